import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { type Buildah, execute } from "./buildah.ts";

const CONTAINERFILE = join(import.meta.dir, "base.Containerfile");

/** Builds minimal images without a shell, which stand for the public base images. */
export async function makeBaseImages(buildah: Buildah): Promise<{ build: string; base: string }> {
  const libraries = await librariesOf(process.execPath);
  const build = await makeImage(buildah, "build", { ...libraries, "/usr/local/bin/bun": process.execPath });
  const base = await makeImage(buildah, "base", libraries);
  return { build, base };
}

/** Builds an image. `files` maps paths in the image to their sources. */
async function makeImage(buildah: Buildah, name: string, files: Record<string, string>): Promise<string> {
  const context = join(buildah.home, `context-${name}`);
  for (const [path, source] of Object.entries(files)) {
    await mkdir(dirname(join(context, path)), { recursive: true });
    await copyFile(source, join(context, path));
  }
  const image = `localhost/${name}`;
  await buildah.build(image, CONTAINERFILE, context);
  return image;
}

/** Lists the libraries that `executable` is linked to, including the loader. */
async function librariesOf(executable: string): Promise<Record<string, string>> {
  const { status, output, complaints } = await execute(["ldd", executable]);
  if (status !== 0) throw new Error(`ldd ${executable} ended with ${status}: ${complaints}`);
  const paths = output.match(/\/\S+(?= \(0x)/g) ?? [];
  return Object.fromEntries(paths.map((path) => [path, path]));
}

import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { type Buildah, execute } from "./buildah.ts";

const CONTAINERFILE = join(import.meta.dir, "base.Containerfile");

/** Makes the images that stand in for the public ones: as little as will do, and no shell. */
export async function makeBaseImages(buildah: Buildah): Promise<{ build: string; base: string }> {
  const libraries = await librariesOf(process.execPath);
  const build = await makeImage(buildah, "build", { ...libraries, "/usr/local/bin/bun": process.execPath });
  const base = await makeImage(buildah, "base", libraries);
  return { build, base };
}

/** `files`: what is in the image, and where it is copied from. */
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

/** The libraries that `executable` is linked to, the one that loads the others included. */
async function librariesOf(executable: string): Promise<Record<string, string>> {
  const { status, output, complaints } = await execute(["ldd", executable]);
  if (status !== 0) throw new Error(`ldd ${executable} ended with ${status}: ${complaints}`);
  const paths = output.match(/\/\S+(?= \(0x)/g) ?? [];
  return Object.fromEntries(paths.map((path) => [path, path]));
}

import { cp, symlink } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import manifest from "../../package.json" with { type: "json" };
import { type Ended, run } from "../support/process.ts";

const ROOT = join(import.meta.dir, "../..");

/** Copies the project to `folder`/project, builds it there, and returns the path of its tarball. */
export async function pack(folder: string): Promise<string> {
  const project = join(folder, "project");
  const files = manifest.files.filter((name) => name !== "dist");
  for (const name of ["src", "test", "tsconfig.json", "LICENSE", "README.md", "package.json", ...files])
    await cp(join(ROOT, name), join(project, name), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(project, "node_modules"));
  await succeed([process.execPath, "pm", "pack", "--destination", folder], project);
  return join(folder, `playcount-${manifest.version}.tgz`);
}

/** Runs a command, and returns its output. @throws {Error} with the output if it fails. */
export async function succeed(
  command: readonly string[],
  cwd: string,
  environment: Record<string, string> = {},
): Promise<Ended> {
  const ended = await run(command, environment, cwd);
  if (ended.status !== 0) throw new Error(`${command.join(" ")}: ${ended.stdout}${ended.stderr}`);
  return ended;
}

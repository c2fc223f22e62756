import { YAML } from "bun";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export const DEPLOY: string = join(import.meta.dir, "../../../docs/deploy");

/** Returns the text of a file of `docs/deploy`. */
export function readText(path: string): string {
  return readFileSync(join(DEPLOY, path), "utf8");
}

/** Returns the only document of a YAML file of `docs/deploy`. */
export function readYaml<T>(path: string): T {
  return YAML.parse(readText(path)) as T;
}

/** Lists the files below a folder of `docs/deploy`, by their paths from `docs/deploy`. */
export function filesIn(folder: string): string[] {
  return readdirSync(join(DEPLOY, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(DEPLOY.length + 1))
    .sort();
}

/** Runs a program to its end. Returns its status, its output, and that with its errors. */
export function runTool(
  command: readonly string[],
  folder: string = DEPLOY,
): { status: number | null; output: string; text: string } {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], { cwd: folder, stdin: "ignore" });
  const output = stdout.toString();
  return { status: exitCode, output, text: output + stderr.toString() };
}

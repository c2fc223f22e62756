import { join } from "node:path";
import { command } from "./command.ts";
import { newPath } from "./work-folder.ts";

/** Compiles a C file of this folder, and returns the path of the result. */
export function compile(source: string, ...options: string[]): string {
  const compiled = newPath(".out");
  command("cc", "-O1", "-Wall", "-Werror", ...options, "-o", compiled, join(import.meta.dir, source));
  return compiled;
}

/** Compiles a library, and returns the environment that preloads it into a program. */
export function preload(source: string): Record<string, string> {
  return { LD_PRELOAD: compile(source, "-shared", "-fPIC") };
}

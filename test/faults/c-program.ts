import { join } from "node:path";
import { command } from "./command.ts";
import { newPath } from "./work-folder.ts";

/** Compiles a program in C that lies here; gives the path of what was made. */
export function compile(source: string, ...options: string[]): string {
  const made = newPath(".out");
  command("cc", "-O1", "-Wall", "-Werror", ...options, "-o", made, join(import.meta.dir, source));
  return made;
}

/**
 * Compiles what a program can be made to load before anything else; gives the environment that has it do so.
 */
export function preload(source: string): Record<string, string> {
  return { LD_PRELOAD: compile(source, "-shared", "-fPIC") };
}

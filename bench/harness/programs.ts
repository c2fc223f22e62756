import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import process from "node:process";

// The lockfile's runtimes take precedence over other installations. cargo's folder is often missing on PATH.
const PATH = [
  `${import.meta.dirname}/../../node_modules/.bin`,
  process.env["PATH"] ?? "",
  `${homedir()}/.cargo/bin`,
].join(":");

/**
 * Returns the path of a program.
 *
 * @throws {Error} that tells how to install the program, if it is not installed.
 */
export function findProgram(name: string, howToGet: string): string {
  const path = Bun.which(name, { PATH });
  if (path === null) throw new Error(`${name} is not installed; install it with: ${howToGet}`);
  return path;
}

/**
 * Runs a program, and returns the group of `pattern` in its output.
 *
 * @throws {Error} if the program fails, or its output does not match.
 */
export function versionOf(command: string[], pattern: RegExp, howToGet: string): string {
  const { exitCode, stdout } = Bun.spawnSync(command, { env: { ...process.env, PATH }, stderr: "ignore" });
  const version = pattern.exec(stdout.toString())?.[1];
  if (exitCode === 0 && version !== undefined) return version;
  throw new Error(`${command.join(" ")} printed no version; install it with: ${howToGet}`);
}

/** Returns the interpreter in the first line of a script. */
export function interpreterOf(script: string): string {
  return /^#!\s*(\S+)/.exec(readFileSync(script, "utf8"))?.[1] ?? "python3";
}

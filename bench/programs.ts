import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import process from "node:process";

// The runtimes of the lockfile come first, whatever else is installed; cargo's folder is often not on PATH.
const PATH = [
  `${import.meta.dirname}/../node_modules/.bin`,
  process.env["PATH"] ?? "",
  `${homedir()}/.cargo/bin`,
].join(":");

/**
 * The path of a program.
 *
 * @throws {Error} that tells how to get it, if it is not installed.
 */
export function findProgram(name: string, howToGet: string): string {
  const path = Bun.which(name, { PATH });
  if (path === null) throw new Error(`${name} is not installed; get it with: ${howToGet}`);
  return path;
}

/**
 * What a program prints about its version, reduced to what `pattern` captures.
 *
 * @throws {Error} if it does not run, or prints nothing of that form.
 */
export function versionOf(command: string[], pattern: RegExp, howToGet: string): string {
  const { exitCode, stdout } = Bun.spawnSync(command, { env: { ...process.env, PATH }, stderr: "ignore" });
  const version = pattern.exec(stdout.toString())?.[1];
  if (exitCode === 0 && version !== undefined) return version;
  throw new Error(`${command.join(" ")} does not tell its version; get it with: ${howToGet}`);
}

/** The interpreter that a script names in its first line. */
export function interpreterOf(script: string): string {
  return /^#!\s*(\S+)/.exec(readFileSync(script, "utf8"))?.[1] ?? "python3";
}

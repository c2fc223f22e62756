import process from "node:process";
import { findOha, HOW_TO_GET_OHA } from "./oha.ts";
import { findProgram, interpreterOf, versionOf } from "./programs.ts";
import type { Startable } from "./server.ts";

/** A server that is measured. */
export interface Subject extends Startable {
  /** How many requests make a slice. */
  requests: number;
  /** Whether it counts, or only answers as if it did. */
  counts: boolean;
}

/** What everything else is compared with. */
export const CEILING = "ceiling";

/** The one on the runtime that the ceiling is on too, and so the one that has goals. */
export const OURS = "playcount on Bun";

const HOW_TO_GET_RUNTIMES = "bun install --frozen-lockfile";
const HOW_TO_GET_ORIGINAL = "apt-get install gunicorn python3-gevent";

/** All that are measured, the ceiling first; those that are slow with fewer requests than `most`. */
export function subjects(most: number): Subject[] {
  const deno = findProgram("deno", HOW_TO_GET_RUNTIMES);
  const node = findProgram("node", HOW_TO_GET_RUNTIMES);
  return [
    {
      name: CEILING,
      // What it answers is as long as the count that ours has after a slice.
      command: (port) => [process.execPath, "bench/ceiling.ts", String(port), String(most)],
      requests: most,
      counts: false,
    },
    playcount(OURS, [process.execPath], most),
    playcount("playcount on Deno", [deno, "run", "-A"], Math.min(most, 10_000)),
    playcount("playcount on Node", [node], Math.min(most, 10_000)),
    original(Math.min(most, 5000)),
  ];
}

function playcount(name: string, runtime: string[], requests: number): Subject {
  const command = (port: number) => [...runtime, "src/main.ts", "--port", String(port)];
  return { name, command, requests, counts: true };
}

function original(requests: number): Subject {
  const gunicorn = findProgram("gunicorn", HOW_TO_GET_ORIGINAL);
  const options = ["-k", "gevent", "-w", "1", "--log-level", "warning", "--chdir", "bench/original"];
  return {
    name: "original (gunicorn, gevent)",
    command: (port) => [gunicorn, ...options, "-b", `127.0.0.1:${port}`, "app:application"],
    env: { PYTHONDONTWRITEBYTECODE: "1" },
    requests,
    counts: true,
  };
}

/**
 * The version of everything that takes part.
 *
 * @throws {Error} that tells how to get it, if something is not installed.
 */
export function versions(): Record<string, string> {
  const deno = findProgram("deno", HOW_TO_GET_RUNTIMES);
  const node = findProgram("node", HOW_TO_GET_RUNTIMES);
  const python = interpreterOf(findProgram("gunicorn", HOW_TO_GET_ORIGINAL));
  const ofPackage = (name: string) =>
    versionOf([python, "-c", `import ${name}; print(${name}.__version__)`], /^(\d\S*)/, HOW_TO_GET_ORIGINAL);
  return {
    bun: Bun.version,
    deno: versionOf([deno, "--version"], /^deno (\S+)/, HOW_TO_GET_RUNTIMES),
    node: versionOf([node, "--version"], /^v(\S+)/, HOW_TO_GET_RUNTIMES),
    python: versionOf([python, "--version"], /^Python (\S+)/, HOW_TO_GET_ORIGINAL),
    gunicorn: ofPackage("gunicorn"),
    gevent: ofPackage("gevent"),
    // The npm package oha has a version that does not look like this.
    oha: versionOf([findOha(), "--version"], /^oha (\S+)/, HOW_TO_GET_OHA),
  };
}

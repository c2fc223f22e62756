import process from "node:process";
import { ohaVersion } from "../harness/oha.ts";
import { playcount } from "../harness/playcount.ts";
import { findProgram, interpreterOf, versionOf } from "../harness/programs.ts";
import type { Startable } from "../harness/server.ts";

/** A server that is measured. */
export interface Subject extends Startable {
  /** Requests of one trial. */
  requests: number;
  /** Whether the server counts, or only answers a constant. */
  counts: boolean;
}

/** Looks at nothing of a request, and answers a constant. */
export const CEILING = "ceiling";

/** Looks at what the contract depends on, and answers a constant. */
export const FLOOR = "floor";

/** The subject with goals: its runtime is that of ceiling and floor. */
export const ON_BUN = "playcount on Bun";

const HOW_TO_GET_RUNTIMES = "bun install --frozen-lockfile";
const HOW_TO_GET_ORIGINAL = "apt-get install gunicorn python3-gevent";

/** Returns all subjects, with `requests` requests in a trial, or fewer for those that are slow. */
export function subjects(requests: number): Subject[] {
  const deno = findProgram("deno", HOW_TO_GET_RUNTIMES);
  const node = findProgram("node", HOW_TO_GET_RUNTIMES);
  const slow = Math.min(requests, 10_000);
  return [
    constant(CEILING, requests),
    constant(FLOOR, requests),
    { name: ON_BUN, command: playcount(), requests, counts: true },
    portable("playcount on Deno", [deno, "run", "-A"], slow),
    portable("playcount on Node", [node], slow),
    original(Math.min(requests, 5000)),
  ];
}

/** Its body is as long as the count that playcount has after a trial. */
function constant(name: string, requests: number): Subject {
  const script = "bench/http/constant-server.ts";
  const command = (port: number) => [process.execPath, script, String(port), String(requests), name];
  return { name, command, requests, counts: false };
}

function portable(name: string, runtime: string[], requests: number): Subject {
  const command = (port: number) => [...runtime, "src/main.ts", "--port", String(port)];
  return { name, command, requests, counts: true };
}

function original(requests: number): Subject {
  const gunicorn = findProgram("gunicorn", HOW_TO_GET_ORIGINAL);
  const options = ["-k", "gevent", "-w", "1", "--log-level", "warning", "--chdir", "bench/http/original"];
  return {
    name: "original (gunicorn, gevent)",
    command: (port) => [gunicorn, ...options, "-b", `127.0.0.1:${port}`, "app:application"],
    env: { PYTHONDONTWRITEBYTECODE: "1" },
    requests,
    counts: true,
  };
}

/**
 * Returns the version of every program that takes part.
 *
 * @throws {Error} that tells how to install a program, if it is not installed.
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
    oha: ohaVersion(),
  };
}

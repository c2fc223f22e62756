import process from "node:process";
import { type Child, end, spawn } from "../harness/children.ts";
import type { Plays } from "./open-loop-child.ts";

/**
 * Plays are observed for at least this time: during a shorter operation too few are due, and its aftermath
 * counts.
 */
const MIN_OBSERVED_MS = 1000;

const CONNECTIONS = 8;

/** Begin and end of an operation, in milliseconds since 1970. */
export interface Span {
  began: number;
  ended: number;
}

/** The server under load, and its load. */
interface LoadOptions {
  url: string;
  /** Songs, one of which is played at random. */
  songs: number;
  /** Time under load before the operation begins. */
  warmUpMs: number;
  /** Default: 8. */
  connections?: number;
}

interface LoadResult<S extends Span> {
  span: S;
  /** Latencies of the plays that were due during the operation. */
  latencyMs: number[];
  /** Number of all plays, also before and after the operation. */
  played: number;
}

/**
 * Runs `operation` on a server while plays arrive at a constant rate. The operation should await {@linkcode
 * observe}.
 *
 * @throws {Error} if a play fails.
 */
export async function runUnderLoad<S extends Span>(
  { url, songs, warmUpMs, connections = CONNECTIONS }: LoadOptions,
  operation: () => Promise<S>,
): Promise<LoadResult<S>> {
  const { port } = new URL(url);
  const command = [process.execPath, "bench/songs/open-loop-child.ts"];
  const sender = spawn([...command, port, String(songs), String(connections)], { stdout: "pipe" });
  try {
    await Bun.sleep(warmUpMs);
    const span = await operation();
    const plays = await stop(sender);
    return { span, latencyMs: latenciesDuring(plays, span), played: plays.latencyMs.length };
  } finally {
    end(sender);
  }
}

/** Resolves when the load has been observed for long enough after an operation began. */
export async function observe({ began, ended }: Span): Promise<void> {
  await Bun.sleep(Math.max(0, MIN_OBSERVED_MS - (ended - began)));
}

async function stop(sender: Child<"pipe">): Promise<Plays> {
  sender.kill("SIGTERM");
  const output = await sender.stdout.text();
  if ((await sender.exited) !== 0) throw new Error("a play failed");
  return JSON.parse(output) as Plays;
}

function latenciesDuring({ dueAt, latencyMs }: Plays, { began, ended }: Span): number[] {
  const until = Math.max(ended, began + MIN_OBSERVED_MS);
  return latencyMs.filter((_, at) => (dueAt[at] ?? 0) >= began && (dueAt[at] ?? 0) < until);
}

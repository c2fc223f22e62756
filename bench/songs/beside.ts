import process from "node:process";
import { type Child, end, spawn } from "../children.ts";
import type { Span } from "./disturbances.ts";
import type { Plays } from "./pace-child.ts";

/** Plays are looked at for so long at least: of what takes a millisecond the wake counts too. */
const LEAST_LOOK_MS = 1000;

/** Over how many connections plays come unless told. */
const CONNECTIONS = 8;

/** What is played meanwhile: on which server, of how many songs, and for how long before anything else happens. */
interface Beside {
  url: string;
  songs: number;
  warmUpMs: number;
  connections?: number;
}

/** What came of it. */
interface Played<S extends Span> {
  span: S;
  /** How long the plays took that were due meanwhile. */
  tookMs: number[];
  /** How many plays there were, those before and after included. */
  played: number;
}

/**
 * Does something to a server that counts plays at the time, which come at an even pace. It has to last until
 * {@linkcode lookOn} resolves.
 *
 * @throws {Error} unless all plays are answered.
 */
export async function playBeside<S extends Span>(
  { url, songs, warmUpMs, connections = CONNECTIONS }: Beside,
  act: () => Promise<S>,
): Promise<Played<S>> {
  const { port } = new URL(url);
  const sender = [process.execPath, "bench/songs/pace-child.ts"];
  const pace = spawn([...sender, port, String(songs), String(connections)], { stdout: "pipe" });
  try {
    await Bun.sleep(warmUpMs);
    const span = await act();
    const plays = await stop(pace);
    return { span, tookMs: playsOf(plays, span), played: plays.tookMs.length };
  } finally {
    end(pace);
  }
}

/** Resolves when plays have been looked at for long enough. */
export async function lookOn({ began, ended }: Span): Promise<void> {
  await Bun.sleep(Math.max(0, LEAST_LOOK_MS - (ended - began)));
}

async function stop(pace: Child<"pipe">): Promise<Plays> {
  pace.kill("SIGTERM");
  const output = await pace.stdout.text();
  if ((await pace.exited) !== 0) throw new Error("not all plays were answered");
  return JSON.parse(output) as Plays;
}

function playsOf({ dueAt, tookMs }: Plays, { began, ended }: Span): number[] {
  const until = Math.max(ended, began + LEAST_LOOK_MS);
  return tookMs.filter((_, at) => (dueAt[at] ?? 0) >= began && (dueAt[at] ?? 0) < until);
}

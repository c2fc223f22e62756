import process from "node:process";
import { type Child, end, spawn } from "../children.ts";
import { MemoryWatch } from "../memory.ts";
import { percentile } from "../statistics.ts";
import type { Disturbance, Span } from "./disturbances.ts";
import { checkPlays, readAll, startFilled } from "./filled.ts";
import type { Plays } from "./pace-child.ts";

/** What plays, and the server's memory, were like meanwhile. */
export interface Disturbed {
  p99Ms: number;
  slowestMs: number;
  beforeMiB: number;
  mostMiB: number;
  /** By how much memory rose. */
  upMiB: number;
  /** How long it took. */
  tookMs: number;
}

/** How long plays come in before anything else does. */
const WARM_UP_MS = 2000;
const SMOKE_WARM_UP_MS = 500;

/** What is short is done for this long. */
const LEAST_MS = 3000;
const SMOKE_LEAST_MS = 500;

/** Plays are looked at for so long at least: of what takes a millisecond the wake counts too. */
const LEAST_LOOK_MS = 1000;

const MEBIBYTE = 2 ** 20;

/** Disturbs a server that is made for it, has `songs` songs, and counts plays at the time. */
export async function disturb(what: Disturbance, songs: number, isSmoke: boolean): Promise<Disturbed> {
  const server = await startFilled(songs);
  const { port } = new URL(server.url);
  const pace = spawn([process.execPath, "bench/songs/pace-child.ts", port, String(songs)], {
    stdout: "pipe",
  });
  try {
    await Bun.sleep(isSmoke ? SMOKE_WARM_UP_MS : WARM_UP_MS);
    const watch = new MemoryWatch(server.child.pid);
    const span = await what.run(server.url, songs, isSmoke ? SMOKE_LEAST_MS : LEAST_MS);
    await Bun.sleep(Math.max(0, LEAST_LOOK_MS - (span.ended - span.began)));
    const [before, most] = [watch.before.resident / MEBIBYTE, watch.stop() / MEBIBYTE];
    const plays = await stopPace(pace);
    await check(server.url, songs, plays.tookMs.length, what.clears);
    const took = playsOf(plays, span);
    return {
      p99Ms: percentile(took, 0.99),
      slowestMs: percentile(took, 1),
      beforeMiB: before,
      mostMiB: most,
      upMiB: most - before,
      tookMs: span.ended - span.began,
    };
  } finally {
    end(pace);
    end(server.child);
  }
}

async function stopPace(pace: Child<"pipe">): Promise<Plays> {
  pace.kill("SIGTERM");
  const output = await pace.stdout.text();
  if ((await pace.exited) !== 0) throw new Error("not all plays were answered");
  return JSON.parse(output) as Plays;
}

/** How long the plays took that were due in `span`. */
function playsOf({ dueAt, tookMs }: Plays, { began, ended }: Span): number[] {
  const until = Math.max(ended, began + LEAST_LOOK_MS);
  return tookMs.filter((_, at) => (dueAt[at] ?? 0) >= began && (dueAt[at] ?? 0) < until);
}

/** @throws {Error} unless what is listed now is what it must be after so many plays. */
async function check(url: string, songs: number, played: number, isCleared: boolean): Promise<void> {
  if (!isCleared) return await checkPlays(url, songs, played);
  // Of the plays some came before all was cleared.
  const all = await readAll(url);
  if (all.plays < played && all.songs <= all.plays) return;
  throw new Error(`at the end there were ${all.plays} plays of ${all.songs} songs, and ${played} in all`);
}

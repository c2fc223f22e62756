import { end } from "../children.ts";
import { MemoryWatch } from "../memory.ts";
import { percentile } from "../statistics.ts";
import { lookOn, playBeside } from "./beside.ts";
import type { Disturbance, Span } from "./disturbances.ts";
import { checkPlays, readAll, startFilled } from "./filled.ts";

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

const MEBIBYTE = 2 ** 20;

/** What a disturbance was, and memory meanwhile. */
interface Watched extends Span {
  before: number;
  most: number;
}

/** Disturbs a server that is made for it, has `songs` songs, and counts plays at the time. */
export async function disturb(what: Disturbance, songs: number, isSmoke: boolean): Promise<Disturbed> {
  const { url, child } = await startFilled(songs);
  try {
    const warmUpMs = isSmoke ? SMOKE_WARM_UP_MS : WARM_UP_MS;
    const { span, tookMs, played } = await playBeside(
      { url, songs, warmUpMs },
      async (): Promise<Watched> => {
        const watch = new MemoryWatch(child.pid);
        const span = await what.run(url, songs, isSmoke ? SMOKE_LEAST_MS : LEAST_MS);
        await lookOn(span);
        return { ...span, before: watch.before.resident / MEBIBYTE, most: watch.stop() / MEBIBYTE };
      },
    );
    await check(url, songs, played, what.clears);
    return {
      p99Ms: percentile(tookMs, 0.99),
      slowestMs: percentile(tookMs, 1),
      beforeMiB: span.before,
      mostMiB: span.most,
      upMiB: span.most - span.before,
      tookMs: span.ended - span.began,
    };
  } finally {
    end(child);
  }
}

/** @throws {Error} unless what is listed now is what it must be after so many plays. */
async function check(url: string, songs: number, played: number, isCleared: boolean): Promise<void> {
  if (!isCleared) return await checkPlays(url, songs, played);
  // Of the plays some came before all was cleared.
  const all = await readAll(url);
  if (all.plays < played && all.songs <= all.plays) return;
  throw new Error(`at the end there were ${all.plays} plays of ${all.songs} songs, and ${played} in all`);
}

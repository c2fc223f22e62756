import { end } from "../harness/children.ts";
import { readAll } from "../harness/list-reader.ts";
import { MemoryWatch } from "../harness/memory.ts";
import { percentile } from "../harness/statistics.ts";
import { observe, runUnderLoad, type Span } from "./open-loop-load.ts";
import type { Operation } from "./operations.ts";
import { checkPlays, startPreloaded } from "./preloaded.ts";

/** Latency of plays and memory of the server during one operation. */
export interface Trial {
  p99Ms: number;
  slowestMs: number;
  beforeMiB: number;
  peakMiB: number;
  growthMiB: number;
  operationMs: number;
}

const WARM_UP_MS = 2000;
const SMOKE_WARM_UP_MS = 500;

/** Least time of an operation that can be repeated. */
const MIN_MS = 3000;
const SMOKE_MIN_MS = 500;

const MEBIBYTE = 2 ** 20;

interface Observed extends Span {
  beforeMiB: number;
  peakMiB: number;
}

/** Runs an operation on a new server with `songs` songs under load, and checks its counts at the end. */
export async function runTrial(operation: Operation, songs: number, isSmoke: boolean): Promise<Trial> {
  const { url, child } = await startPreloaded(songs);
  try {
    const load = { url, songs, warmUpMs: isSmoke ? SMOKE_WARM_UP_MS : WARM_UP_MS };
    const { span, latencyMs, played } = await runUnderLoad(load, async (): Promise<Observed> => {
      const watch = new MemoryWatch(child.pid);
      const span = await operation.run(url, songs, isSmoke ? SMOKE_MIN_MS : MIN_MS);
      await observe(span);
      return { ...span, beforeMiB: watch.before.resident / MEBIBYTE, peakMiB: watch.stop() / MEBIBYTE };
    });
    if (operation.clears) await checkAfterClear(url, played);
    else await checkPlays(url, songs, played);
    const { began, ended, beforeMiB, peakMiB } = span;
    return {
      p99Ms: percentile(latencyMs, 0.99),
      slowestMs: percentile(latencyMs, 1),
      beforeMiB,
      peakMiB,
      growthMiB: peakMiB - beforeMiB,
      operationMs: ended - began,
    };
  } finally {
    end(child);
  }
}

/** @throws {Error} if the server lists plays that it had before it was cleared. */
async function checkAfterClear(url: string, played: number): Promise<void> {
  const all = await readAll(url);
  if (all.plays < played && all.songs <= all.plays) return;
  throw new Error(`after a clear, of ${played} plays ${all.plays} of ${all.songs} songs were listed`);
}

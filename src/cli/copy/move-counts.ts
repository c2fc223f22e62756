import { ServerClient } from "../../client/server-client.ts";
import { Placement } from "../../client/placement.ts";
import { Mover } from "../../client/rebalance.ts";
import type { CopySettings } from "./arguments.ts";
import type { Report } from "./report.ts";

// Long limits: up to six attempts within several minutes, rather than a failure after millions of songs.
const TIMEOUT_MS = 30_000;
const RETRIES = 5;

/** Amounts moved. */
export interface Moved {
  songs: number;
  plays: number;
  /** Highest number of a fold that was sealed; 0 for none. */
  fold: number;
}

/**
 * Finishes moves that broke off, then moves all plays counted since.
 *
 * Default of `fold`: the time in milliseconds. It needs no record, because servers list their unacknowledged
 * folds, and it never repeats, even after a server has restarted. A server with a newer fold refuses it.
 */
export async function moveCounts(
  { from, to, fold, again, token, toToken }: CopySettings,
  signal: AbortSignal,
  report: Report,
): Promise<Moved> {
  const options = { timeoutMs: TIMEOUT_MS, retries: RETRIES, fetch: fetchAndNote(report, signal) };
  const mover = new Mover({
    client: new ServerClient({ ...options, token }),
    toClient: new ServerClient({ ...options, token: toToken }),
    to: new Placement(to),
    again,
    signal,
    onProgress: (progress) => report.update(progress),
  });
  await mover.checkTargets();
  const all: Moved = { songs: 0, plays: 0, fold: 0 };
  const move = async (server: string, number: number) => {
    const { songs = 0, plays = 0 } = (await mover.move(server, number)) ?? {};
    all.songs += songs;
    all.plays += plays;
    all.fold = Math.max(all.fold, number);
  };
  for (const server of from) {
    const begun = await mover.openFolds(server);
    for (const number of begun) await move(server, number);
    const number = fold ?? Date.now();
    if (!begun.includes(number)) await move(server, number);
  }
  return all;
}

/** Returns a `fetch` that reports each server once that does not answer: retries take a while. */
function fetchAndNote(
  report: Report,
  signal: AbortSignal,
): (url: string, init: RequestInit) => Promise<Response> {
  const silent = new Set<string>();
  return async (url, init) => {
    try {
      return await fetch(url, init);
    } catch (error) {
      const { origin } = new URL(url);
      if (!signal.aborted && !silent.has(origin))
        report.note(`${origin} does not answer; it is asked up to ${RETRIES} times more`);
      silent.add(origin);
      throw error;
    }
  };
}

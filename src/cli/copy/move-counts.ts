import { ServerClient } from "../../client/server-client.ts";
import { Placement } from "../../client/placement.ts";
import { type MoveProgress, Mover } from "../../client/rebalance.ts";
import type { CopySettings } from "./arguments.ts";

// Who moves millions of songs would rather wait than begin again: five tries within some minutes.
const TIMEOUT_MS = 30_000;
const RETRIES = 5;

/** What was moved. */
export interface Moved {
  songs: number;
  plays: number;
  /** The highest number that something was sealed under; 0 if nothing was. */
  fold: number;
}

/**
 * Moves all that the servers have counted up to now: what was begun before and broke off, and then what has
 * been counted since.
 *
 * Without a number that is told, it follows from the time: nobody has to remember it, as a fold that is not
 * acknowledged says its own; and none comes twice, also of a server that begins anew. A server that has
 * sealed a higher one is refused.
 */
export async function moveCounts(
  { from, to, fold, again, token, toToken }: CopySettings,
  signal: AbortSignal,
  onProgress: (progress: MoveProgress) => void,
): Promise<Moved> {
  const options = { timeoutMs: TIMEOUT_MS, retries: RETRIES };
  const mover = new Mover({
    client: new ServerClient({ ...options, token }),
    toClient: new ServerClient({ ...options, token: toToken }),
    to: new Placement(to),
    again,
    signal,
    onProgress,
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

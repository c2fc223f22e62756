import { hash } from "../hash.ts";
import { mapping, write } from "../mapping.ts";
import { readMapping } from "./answers.ts";
import type { Asker } from "./asker.ts";
import { CountServerError } from "./count-server-error.ts";
import type { Placement } from "./placement.ts";

/** Most songs of one request. */
const MOST_SONGS = 10_000;

/** The folds of a server that are not acknowledged: while there is another one, none can be that is newer. */
async function openFolds(asker: Asker, server: string, signal: AbortSignal | undefined): Promise<number[]> {
  const answer = await asker.ask(server, { method: "GET", path: "folds", signal });
  return answer === "" ? [] : answer.split(",").map(Number);
}

/**
 * Moves all that a server has counted up to now to where `to` places it, under a fold's number; gives how many plays
 * those were.
 *
 * The fold is acknowledged when all of it has been added elsewhere. Each request has a key that follows from the server,
 * the fold and its place in that, which is the same each time: so it can be done again after any failure.
 */
export async function moveAll(
  asker: Asker,
  from: string,
  to: Placement,
  fold: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  const path = `folds/${fold}`;
  const other = (await openFolds(asker, from, signal)).find((open) => open !== fold);
  if (other !== undefined)
    throw new CountServerError(from, `Fold ${other} of ${from} must be acknowledged before songs are moved`);
  const answer = await asker.ask(from, { method: "PUT", path, signal });
  // One that is acknowledged is answered as well: it has been moved before.
  if (!(await openFolds(asker, from, signal)).includes(fold)) return 0;
  const plays = readMapping({ server: from, answer });
  const writer = `rebalance-${hash(from, [0, 0])}-${hash(from, [0, 1])}-${fold}`;
  for (const [server, part] of to.divide(plays)) {
    for (let start = 0; start < part.length; start += MOST_SONGS) {
      const body = write(mapping.text, part.slice(start, start + MOST_SONGS));
      const key = `"${writer}-${start}:0"`;
      await asker.ask(server, { method: "POST", path: "batch", body, key, signal });
    }
  }
  await asker.ask(from, { method: "DELETE", path, signal });
  let moved = 0;
  for (const count of plays.values()) moved += count;
  return moved;
}

import { sharedNow } from "../harness/clock.ts";
import { readAll, readFold } from "../harness/list-reader.ts";
import { LEADING_IDS } from "./initial-plays.ts";
import type { Span } from "./open-loop-load.ts";

/** An operation on all songs of a server that is under load. */
export interface Operation {
  name: string;
  /** Whether it removes all songs. */
  clears: boolean;
  /**
   * Runs the operation on the server at `url` with `songs` songs. A short one is repeated for `minMs`.
   *
   * @throws {Error} if an answer is wrong.
   */
  run(url: string, songs: number, minMs: number): Promise<Span>;
}

const MIN_DROP_MS = 3000;

/** The baseline comes first. */
export const OPERATIONS: readonly Operation[] = [
  { name: "nothing else", clears: false, run: waitOnly },
  { name: "`GET /`", clears: false, run: list },
  { name: "`GET /?top=10`", clears: false, run: rank },
  { name: "`DELETE /`", clears: true, run: clear },
  { name: "`PUT /folds/1`", clears: false, run: seal },
  { name: "dropping a fold", clears: true, run: drop },
];

async function waitOnly(_url: string, _songs: number, minMs: number): Promise<Span> {
  const began = sharedNow();
  await Bun.sleep(minMs);
  return { began, ended: sharedNow() };
}

async function list(url: string, songs: number): Promise<Span> {
  const all = await readAll(url);
  if (all.songs === songs) return all;
  throw new Error(`GET / listed ${all.songs} songs of ${songs}`);
}

async function rank(url: string, _songs: number, minMs: number): Promise<Span> {
  const began = sharedNow();
  while (sharedNow() - began < minMs) {
    const body = await request(`${url}/?top=${LEADING_IDS.length}`, "GET");
    const ids = body.split(",").map((pair) => pair.replace(/=\d+$/, ""));
    if (Bun.deepEquals(ids.toSorted(), LEADING_IDS)) continue;
    throw new Error(`GET /?top=${LEADING_IDS.length} listed other songs than the leading ones: ${body}`);
  }
  return { began, ended: sharedNow() };
}

async function seal(url: string, songs: number): Promise<Span> {
  const fold = await readFold(url, 1);
  if (fold.songs === songs) return fold;
  throw new Error(`PUT /folds/1 listed ${fold.songs} songs of ${songs}`);
}

/** Acknowledges a fold with all songs, which the next acknowledgement drops. */
async function drop(url: string, songs: number): Promise<Span> {
  await seal(url, songs);
  await request(`${url}/folds/1`, "DELETE");
  await readFold(url, 2);
  const began = sharedNow();
  await request(`${url}/folds/2`, "DELETE");
  await Bun.sleep(MIN_DROP_MS); // its memory is freed in steps after the answer
  return { began, ended: sharedNow() };
}

async function clear(url: string): Promise<Span> {
  const began = sharedNow();
  const body = await request(`${url}/`, "DELETE");
  if (body !== "OK") throw new Error(`DELETE / was answered with ${JSON.stringify(body)}`);
  return { began, ended: sharedNow() };
}

async function request(url: string, method: string): Promise<string> {
  const response = await fetch(url, { method });
  const body = await response.text();
  if (response.status === 200) return body;
  throw new Error(`${method} ${url} was answered with ${response.status}: ${body}`);
}

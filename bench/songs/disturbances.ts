import { sharedNow } from "../clock.ts";
import { readAll, readFold } from "./filled.ts";
import { LEADING_IDS } from "./plays.ts";

/** From when to when something went on, in milliseconds since 1970. */
export interface Span {
  began: number;
  ended: number;
}

/** Something that is done to a server while plays come in. */
export interface Disturbance {
  name: string;
  /** Whether all songs are gone then. */
  clears: boolean;
  /**
   * Does it to the server at `url`, which has `songs` songs; what is short is done again and again for `leastMs`.
   *
   * @throws {Error} if what is answered is wrong.
   */
  run(url: string, songs: number, leastMs: number): Promise<Span>;
}

const LEAST_DROP_MS = 3000;

/** None comes first. */
export const DISTURBANCES: readonly Disturbance[] = [
  { name: "nothing else", clears: false, run: waitOnly },
  { name: "`GET /`", clears: false, run: list },
  { name: "`GET /?top=10`", clears: false, run: rank },
  { name: "`DELETE /`", clears: true, run: clear },
  { name: "`PUT /folds/1`", clears: false, run: seal },
  { name: "dropping a fold", clears: true, run: drop },
];

async function waitOnly(_url: string, _songs: number, leastMs: number): Promise<Span> {
  const began = sharedNow();
  await Bun.sleep(leastMs);
  return { began, ended: sharedNow() };
}

async function list(url: string, songs: number): Promise<Span> {
  const all = await readAll(url);
  if (all.songs === songs) return all;
  throw new Error(`GET / listed ${all.songs} songs, and there are ${songs}`);
}

async function rank(url: string, _songs: number, leastMs: number): Promise<Span> {
  const began = sharedNow();
  while (sharedNow() - began < leastMs) {
    const body = await request(`${url}/?top=${LEADING_IDS.length}`, "GET");
    const ids = body.split(",").map((pair) => pair.replace(/=\d+$/, ""));
    if (Bun.deepEquals(ids.toSorted(), LEADING_IDS)) continue;
    throw new Error(`GET /?top=${LEADING_IDS.length} gave other songs than the highest: ${body}`);
  }
  return { began, ended: sharedNow() };
}

async function seal(url: string, songs: number): Promise<Span> {
  const fold = await readFold(url, 1);
  if (fold.songs === songs) return fold;
  throw new Error(`PUT /folds/1 gave ${fold.songs} songs, and there are ${songs}`);
}

/** The fold with all songs is acknowledged, and dropped with the next acknowledgement. */
async function drop(url: string, songs: number): Promise<Span> {
  await seal(url, songs);
  await request(`${url}/folds/1`, "DELETE");
  await readFold(url, 2);
  const began = sharedNow();
  await request(`${url}/folds/2`, "DELETE");
  await Bun.sleep(LEAST_DROP_MS); // it is freed step by step, behind the answer
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

import type { Random } from "../support/random.ts";

/** A damaged copy of a file: truncated, or with a flipped bit. */
export interface Damage {
  name: string;
  damaged: Buffer;
}

/** Bytes of SQLite's pages, of a page with its header in the log, and of the log's header. */
const PAGE = 4096;
const FRAME = 24 + PAGE;
const LOG_HEAD = 32;

/** Bytes in use of a page that is nearly empty. */
const SMALL = 256;

/**
 * Truncates a file: to nothing, by its last pages, and at `count` random places, half of them between two
 * pages.
 */
export function* cuts(file: Buffer, isLog: boolean, count: number, random: Random): Generator<Damage> {
  const [head, size] = isLog ? [LOG_HEAD, FRAME] : [0, PAGE];
  const pages = Math.floor((file.length - head) / size);
  const lengths = [0, 1, 2, 3, 4].map((last) => (last === 0 ? 0 : head + (pages - last) * size));
  for (let cut = 0; cut < count; cut++)
    lengths.push(random.chance(0.5) ? head + random.below(pages) * size : random.below(file.length));
  for (const length of new Set(lengths.filter((length) => length >= 0)))
    yield { name: `cut to ${length} of ${file.length} bytes`, damaged: file.subarray(0, length) };
}

/** Flips one bit of a file, in a byte that is not zero: few zero bytes have a meaning. */
export function* flips(file: Buffer, count: number, random: Random): Generator<Damage> {
  for (let flip = 0; flip < count; flip++) {
    const [at, bit] = [placeIn(file, random), random.below(8)];
    const damaged = Buffer.from(file);
    damaged[at] = (file[at] as number) ^ (1 << bit);
    yield { name: `bit ${bit} of byte ${at} flipped`, damaged };
  }
}

/**
 * Picks a used byte of a random page. Half of the picks are in nearly empty pages: wrong counts in a large
 * table are one kind of damage, but each number in a small table is another.
 */
function placeIn(file: Buffer, random: Random): number {
  const pages = Array.from({ length: Math.ceil(file.length / PAGE) }, (_, page) => usedIn(file, page * PAGE));
  const used = pages.filter(({ length }) => length > 0);
  const small = used.filter(({ length }) => length < SMALL);
  return random.pick(random.pick(small.length > 0 && random.chance(0.5) ? small : used));
}

/** Returns the positions of a page's bytes that are not zero. */
function usedIn(file: Buffer, start: number): number[] {
  const places = Array.from({ length: Math.min(PAGE, file.length - start) }, (_, at) => start + at);
  return places.filter((at) => file[at] !== 0);
}

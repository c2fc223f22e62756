import type { Random } from "../support/random.ts";

/** Something that happened to a file: a part is gone, or a bit is another one. */
export interface Damage {
  what: string;
  damaged: Buffer;
}

/** SQLite's pages, and in its log what is in front of each and of all. */
const PAGE = 4096;
const FRAME = 24 + PAGE;
const LOG_HEAD = 32;

/** Bytes in use of a page that has little in it. */
const SMALL = 256;

/**
 * A file cut short: to nothing, by its last pages, and at places anywhere, half of them between two pages.
 */
export function* cuts(file: Buffer, isLog: boolean, count: number, random: Random): Generator<Damage> {
  const [head, size] = isLog ? [LOG_HEAD, FRAME] : [0, PAGE];
  const pages = Math.floor((file.length - head) / size);
  const lengths = [0, 1, 2, 3, 4].map((last) => (last === 0 ? 0 : head + (pages - last) * size));
  for (let cut = 0; cut < count; cut++)
    lengths.push(random.chance(0.5) ? head + random.below(pages) * size : random.below(file.length));
  for (const length of new Set(lengths.filter((length) => length >= 0)))
    yield { what: `cut to ${length} of ${file.length} bytes`, damaged: file.subarray(0, length) };
}

/** A file with one bit that is wrong, in a byte that is not zero: few of those that are mean anything. */
export function* flips(file: Buffer, count: number, random: Random): Generator<Damage> {
  for (let flip = 0; flip < count; flip++) {
    const [at, bit] = [placeIn(file, random), random.below(8)];
    const damaged = Buffer.from(file);
    damaged[at] = (file[at] as number) ^ (1 << bit);
    yield { what: `bit ${bit} of byte ${at} flipped`, damaged };
  }
}

/**
 * A byte of a page, however much is in it. Half of the pages are of those with little in them: that one of a
 * thousand songs is wrong is one kind of damage, and each number of the small tables is another.
 */
function placeIn(file: Buffer, random: Random): number {
  const pages = Array.from({ length: Math.ceil(file.length / PAGE) }, (_, page) => usedIn(file, page * PAGE));
  const used = pages.filter(({ length }) => length > 0);
  const small = used.filter(({ length }) => length < SMALL);
  return random.pick(random.pick(small.length > 0 && random.chance(0.5) ? small : used));
}

/** Where the bytes of a page are that are not zero. */
function usedIn(file: Buffer, start: number): number[] {
  const places = Array.from({ length: Math.min(PAGE, file.length - start) }, (_, at) => start + at);
  return places.filter((at) => file[at] !== 0);
}

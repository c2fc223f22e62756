import type { Random } from "../random.ts";

/** Something that happened to a file: a part is gone, or a bit is another one. */
export interface Damage {
  what: string;
  damaged: Buffer;
}

/** SQLite's pages, and in its log what is in front of each and of all. */
const PAGE = 4096;
const FRAME = 24 + PAGE;
const LOG_HEAD = 32;

/** A file cut short: to nothing, by its last pages, and at places anywhere, half of them between two pages. */
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

/** Each page is as likely as the other, however much is in it. */
function placeIn(file: Buffer, random: Random): number {
  for (;;) {
    const page = random.below(Math.ceil(file.length / PAGE)) * PAGE;
    const used = Array.from({ length: Math.min(PAGE, file.length - page) }, (_, at) => page + at).filter(
      (at) => file[at] !== 0,
    );
    if (used.length > 0) return random.pick(used);
  }
}

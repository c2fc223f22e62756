import { expect, test } from "bun:test";
import { FoldSongs } from "../../src/fold/songs.ts";
import { Random } from "../support/random.ts";

function listed(rows: FoldSongs, size: number, after?: string): [string, number][] {
  return [...rows.parts(size, after)].flatMap((part) => part.songs);
}

test("songs are listed in the order of UTF-8, summed over servers, in parts that end with the last one", () => {
  const rows = new FoldSongs();
  for (const id of ["b", "é", "😀", "\uffff", "", "a\0", "a", "a/b"]) rows.add(id, 2);
  for (const id of ["a", "😀"]) rows.add(id, 3);
  const sorted: [string, number][] = [
    ["", 2],
    ["a", 5],
    ["a\0", 2],
    ["a/b", 2],
    ["b", 2],
    ["é", 2],
    ["\uffff", 2],
    ["😀", 5],
  ];
  for (const size of [1, 3, 8, 100]) expect(listed(rows, size)).toEqual(sorted);
  for (const [at, [id]] of sorted.entries()) expect(listed(rows, 3, id)).toEqual(sorted.slice(at + 1));
  expect([rows.size, rows.plays]).toEqual([8, 22]);
  expect([...rows.parts(3)].map(({ start, isLast }) => [start, isLast])).toEqual([
    [0, false],
    [3, false],
    [6, true],
  ]);
  expect([...rows.parts(3, "a\0")].map(({ start }) => start)).toEqual([3, 6]);
  expect([...new FoldSongs().parts(3)]).toEqual([{ songs: [], start: 0, isLast: true }]);
});

test("an answer that broke off is taken back", () => {
  const rows = new FoldSongs();
  rows.add("a", 1);
  rows.add("odd", 2);
  const { length } = rows;
  rows.add("b", 4);
  rows.add("odd", 8);
  rows.backTo(length);
  rows.add("c", 16);
  expect(listed(rows, 10)).toEqual([
    ["a", 1],
    ["c", 16],
    ["odd", 2],
  ]);
  expect([rows.size, rows.plays]).toEqual([3, 19]);
  rows.add("odd", 32);
  rows.add("c", 64);
  expect([listed(rows, 10), rows.size, rows.plays]).toEqual([
    [
      ["a", 1],
      ["c", 80],
      ["odd", 34],
    ],
    3,
    115,
  ]);
});

test.each(["", "a", "song-00", "\0\0", "😀"])(
  "ids that begin with %p are listed as a sort of their bytes lists them",
  (begin) => {
    const random = new Random("rows");
    const points = () => random.pick([0, 97, 233, 0x6b4c, 0x1f600, 65535, random.below(0xd800)]);
    const anyId = () => begin + String.fromCodePoint(...Array.from({ length: random.below(10) }, points));
    const ids = new Set(Array.from({ length: 3000 }, anyId));
    const rows = new FoldSongs();
    for (const id of ids) rows.add(id, 1);
    const sorted = [...ids].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    expect(listed(rows, 100).map(([id]) => id)).toEqual(sorted);
  },
);

test("A part has at most the given bytes as JSON, but one song at least", () => {
  const songs = new FoldSongs();
  const ids = ["a".repeat(10), "b".repeat(10), "c".repeat(100), "\u0001".repeat(10), "d"];
  for (const id of ids) songs.add(id, Number.MAX_SAFE_INTEGER);
  const parts = Array.from(songs.parts(3, undefined, 170), (part) => part.songs);
  for (const part of parts) if (part.length > 1) expect(JSON.stringify(part).length).toBeLessThan(170);
  expect(parts.map((part) => part.map(([id]) => id[0]).join(""))).toEqual(["\u0001a", "b", "c", "d"]);
});

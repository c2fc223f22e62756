import { expect, test } from "bun:test";
import { layOut, LINE_WORDS, NUMBER } from "../../../src/store/memory/layout.ts";
import { shardTable } from "../../../src/store/memory/shard-table.ts";

test("fields follow one another, each at a multiple of its alignment", () => {
  expect(layOut({ a: 1, b: NUMBER, c: 3, d: [5, 16] })).toEqual({ a: 0, b: 2, c: 4, d: 16, end: 21 });
  expect(layOut({ a: 1, b: [2, 8] }, 7)).toEqual({ a: 7, b: 8, end: 10 });
});

test.each([
  [64, 1],
  [64, 64],
  [65_536, 16],
])(
  "the parts of a table of %d shards and %d folds begin with cache lines of their own",
  (shards, maxFolds) => {
    const { ring, locks, heads, blocks } = shardTable(shards, maxFolds);
    const parts = [ring, locks, heads, blocks];
    expect(parts.filter((part) => part % LINE_WORDS !== 0)).toEqual([]);
    expect(parts).toEqual(parts.toSorted((a, b) => a - b));
    expect(new Set(parts).size).toBe(parts.length);
    expect(heads - locks).toBe(shards * LINE_WORDS);
  },
);

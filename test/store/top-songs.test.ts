import { expect, test } from "bun:test";
import type { Entry } from "../../src/mod.ts";
import { topOf } from "./top-of.ts";
import { Random } from "../support/random.ts";

test("the result equals that of sorting everything", () => {
  const random = new Random("highest");
  for (let round = 0; round < 2000; round++) {
    const size = random.below(60);
    const most = random.pick([1, 2, 5, 1000]); // few different counts mean many ties
    const ids = new Set(
      Array.from({ length: size }, () => random.text(["a", "b", "A", "é", "😀", "\uffff"], 6)),
    );
    const entries = Array.from(ids, (id): Entry => [id, random.below(most) + 1]);
    const n = random.pick([1, 2, 3, 10, 59, 60, 1000]);
    const chunks = inChunks(random, entries);
    expect(topOf(chunks, n), JSON.stringify({ chunks, n })).toEqual(sorted(entries).slice(0, n));
  }
});

test.each([1, 2, 10])("the %d highest are found in any order of the entries", (n) => {
  const rising = Array.from({ length: 500 }, (_, at): Entry => [`song-${at}`, at + 1]);
  const equal = rising.map(([id]): Entry => [id, 1]);
  for (const entries of [rising, rising.toReversed(), equal, equal.toReversed()]) {
    expect(topOf([entries], n)).toEqual(sorted(entries).slice(0, n));
  }
});

test("the top of an empty store is empty", () => {
  expect(topOf([], 1)).toEqual([]);
  expect(topOf([[], []], 1000)).toEqual([]);
});

test("counts up to 2^53 - 1 are told apart", () => {
  const most = Number.MAX_SAFE_INTEGER;
  const entries: Entry[] = [
    ["a", most - 1],
    ["b", most],
    ["c", most - 2],
    ["d", 1],
  ];
  expect(topOf([entries], 3)).toEqual([
    ["b", most],
    ["a", most - 1],
    ["c", most - 2],
  ]);
});

test("each chunk is read once, before the next one is requested", () => {
  const order: string[] = [];
  function* chunk(name: string): Generator<Entry> {
    order.push(`${name} begins`);
    yield [name, 1];
    order.push(`${name} ends`);
  }
  function* chunks(): Generator<Iterable<Entry>> {
    yield chunk("a");
    yield chunk("b");
  }
  expect(topOf(chunks(), 5)).toEqual([
    ["a", 1],
    ["b", 1],
  ]);
  expect(order).toEqual(["a begins", "a ends", "b begins", "b ends"]);
});

test("the entries offered are not changed", () => {
  const entries: Entry[] = [
    ["a", 1],
    ["b", 3],
    ["c", 2],
  ];
  const copy = structuredClone(entries);
  topOf([entries], 1);
  expect(entries).toEqual(copy);
});

function sorted(entries: readonly Entry[]): Entry[] {
  return entries.toSorted(([idA, a], [idB, b]) => b - a || (idA < idB ? -1 : 1));
}

function inChunks(random: Random, entries: readonly Entry[]): Entry[][] {
  const chunks: Entry[][] = [[]];
  for (const entry of entries) {
    if (random.chance(0.2)) chunks.push([]);
    chunks.at(-1)?.push(entry);
  }
  return chunks;
}

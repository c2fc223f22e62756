import { describe, expect, test } from "bun:test";
import { runAtOnce } from "../../src/async/turns.ts";
import { type HashKey, randomKey } from "../../src/hash.ts";
import { type Entry, MAX_COUNT } from "../../src/store/count-store.ts";
import { endOfSlice } from "../../src/store/packed-batch.ts";
import { pack, PackedPlays } from "../../src/store/packed-plays.ts";
import { craftedIds } from "../support/crafted-ids.ts";
import { Random } from "../support/random.ts";
import { ODD_IDS } from "./contract/support.ts";

const IDS = [
  ...ODD_IDS,
  "",
  "x".repeat(64),
  "x".repeat(65),
  "é".repeat(256),
  "\ud7ff",
  "a\0",
  "a",
  "ab",
  "abc",
];

function packed(entries: Iterable<Entry>, hashKey?: HashKey, maxIdBytes = 512): PackedPlays {
  const plays = new PackedPlays({ hashKey, maxIdBytes });
  for (const [id, more] of entries) plays.add(id, 0, id.length, more);
  return plays;
}

describe("The packed plays of a batch", () => {
  test("are summed by song, in the order in which songs come first", () => {
    const random = new Random("packed plays");
    for (let round = 0; round < 200; round++) {
      const oracle = new Map<string, number>();
      const plays = new PackedPlays({ maxIdBytes: 512 });
      for (let n = random.below(200); n > 0; n--) {
        const id = random.chance(0.3) ? random.pick(IDS) : `song-${random.below(100)}`;
        const [before, more] = [random.text(["é", "x", "%"], 5), random.below(5)];
        plays.add(`${before}${id}=`, before.length, before.length + id.length, more);
        oracle.set(id, (oracle.get(id) ?? 0) + more);
      }
      expect([...plays]).toEqual([...oracle]);
      expect([plays.size, plays.sum]).toEqual([oracle.size, [...oracle.values()].reduce((a, b) => a + b, 0)]);
      const counts = plays.plays.slice(0, plays.size);
      expect(Array.from(plays.chunks(counts), (chunk) => [...chunk]).flat()).toEqual([...oracle]);
    }
  });

  test("have nothing of what they had before they were cleared", () => {
    const plays = new PackedPlays({ maxIdBytes: 50 });
    for (const ids of [["a", "é", "a"], ["b", "a", "b", "c"], []]) {
      plays.clear();
      for (const id of ids) plays.add(id, 0, id.length, 1);
      const counts = new Map(ids.map((id) => [id, ids.filter((other) => other === id).length]));
      expect([[...plays], plays.size, plays.sum]).toEqual([[...counts], counts.size, ids.length]);
    }
  });

  test("are refused if a song has too many, or an id is too long, which is quoted", () => {
    const plays = packed([["a", MAX_COUNT]], undefined, 4);
    expect(() => plays.add("a", 0, 1, 1)).toThrow(`The plays of "a" exceed ${MAX_COUNT}`);
    for (const id of ["abcde", "ééé"])
      expect(() => plays.add(id, 0, id.length, 1)).toThrow(`The id "${id}" is longer than 4 bytes of UTF-8`);
    plays.add("éé", 0, 2, 1);
    expect([...plays]).toEqual([
      ["a", MAX_COUNT],
      ["éé", 1],
    ]);
  });

  test("are packed again only for a store with another key or limit", () => {
    const key = randomKey();
    const plays = packed([["a", 1]], key);
    const packFor = (hashKey: HashKey | undefined, maxIdBytes: number) =>
      runAtOnce(pack(plays, { hashKey, maxIdBytes }));
    expect(packFor([...key], 512)).toBe(plays);
    expect(packFor(undefined, 512)).toBe(plays);
    expect(() => packFor(key, 0)).toThrow("is longer than 0 bytes");
    const again = packFor(randomKey(), 512);
    expect(again).not.toBe(plays);
    expect([...again]).toEqual([...plays]);
  });

  test("have a fingerprint that depends on the ids, their order, their plays and the kind, and not on the key", () => {
    const print = (entries: Entry[], kind: "song" | "batch" = "batch") =>
      runAtOnce(packed(entries, randomKey()).fingerprint(kind));
    const [a, b]: [Entry, Entry] = [
      ["a", 1],
      ["b", 2 ** 40],
    ];
    const one = print([a, b]);
    expect(one).toBe(print([a, b]));
    const others = [
      print([b, a]),
      print([a]),
      print([a, b, ["c", 3]]),
      print([a, ["b", 1]]),
      print([a, ["b", 2 ** 41]]),
      print([a, b], "song"),
    ];
    expect(new Set([one, ...others]).size).toBe(7);
    expect([one, ...others].every((print) => Number.isSafeInteger(print) && print >= 0)).toBe(true);
  });

  test("are divided into slices, each shorter the longer the ids", () => {
    const sizes = [14, 500].map((length) => {
      const plays = packed(
        Array.from({ length: 5000 }, (_, n): Entry => [String(n).padStart(length, "0"), 1]),
      );
      return endOfSlice(plays, 0);
    });
    expect(sizes[0]).toBeWithin(1500, 2500);
    expect(sizes[1]).toBeWithin(200, 400);
    expect(endOfSlice(packed([]), 0)).toBe(0);
    expect(endOfSlice(packed([["a", 1]]), 0)).toBe(1);
  });

  test("have hashes that ids made to collide in the engine's hash do not share", () => {
    const plays = packed(
      craftedIds(20_000).map((id): Entry => [id, 1]),
      randomKey(),
    );
    const hashes = new Set(
      plays.idPositions
        .subarray(0, plays.size)
        .values()
        .map((at) => plays.words[at]),
    );
    expect(hashes.size).toBeGreaterThan(plays.size - 10);
  });
});

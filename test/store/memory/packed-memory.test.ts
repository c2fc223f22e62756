import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { type Entry, ShardedStore } from "../../../src/mod.ts";
import { STEP_SONGS } from "../../../src/store/memory/shards.ts";
import { rounds } from "../../support/extent.ts";
import { reasonOf } from "../contract/support.ts";

setDefaultTimeout(300_000);

test("a store grows to maxSongs songs, and has each of them", async () => {
  const songs = rounds(10_000_000, 1_100_000);
  const nameOf = (n: number) => `song-${n}`;
  const store = new ShardedStore({ maxSongs: songs });
  for (let n = 0; n < songs; n++) store.add(nameOf(n), (n % 1000) + 1);
  expect(store.figures().songs).toBe(songs);
  expect(await reasonOf(() => store.add("one more", 1))).toBe("full");
  for (let n = 0; n < songs; n += 97) {
    if (store.get(nameOf(n)) !== (n % 1000) + 1)
      expect(`${nameOf(n)}: ${store.get(nameOf(n))}`).toBe("right");
  }
  let listed = 0;
  let plays = 0;
  for (const chunk of store.entries()) {
    for (const [, count] of chunk) {
      listed++;
      plays += count;
    }
  }
  expect({ listed, plays }).toEqual({ listed: songs, plays: (songs / 1000) * 500_500 });
  const top = await store.top(3);
  expect(top).toEqual(["song-1000999", "song-1001999", "song-1002999"].map((id): Entry => [id, 1000]));
  store.clear();
  expect([store.figures().songs, store.get("song-1"), await store.top(1)]).toEqual([0, 0, []]);
});

test("a fold that is dropped, cleared while it is freed, and dropped again leaves no songs", async () => {
  const store = new ShardedStore({ maxSongs: 1_000_000 });
  const seal = (first: number) => {
    for (const fold of [first, first + 1]) store.seal(fold);
    for (const fold of [first, first + 1]) store.acknowledge(fold);
  };
  const songs = rounds(400_000, 160_000);
  for (let n = 0; n < songs; n++) store.add(`old-${n}`, 1);
  seal(1); // fold 1 is freed step by step
  const shards = store["shards"];
  const { ring } = shards;
  while (shards.shardIn(1, shards.shardCount / 2).songs > 0) await Bun.sleep(0);
  expect(ring.isFreeing(1)).toBe(true);
  store.clear();
  let fold = 1;
  for (; ring.slotOf(ring.open) !== 1; fold++) {
    store.seal(fold);
    store.acknowledge(fold);
  }
  const again = ring.open; // in the same slot
  for (let n = 0; n < songs; n++) store.add(`new-${n}`, 1);
  seal(fold);
  expect(ring.isFreeing(again)).toBe(true);
  while (ring.isFreeing(again)) await Bun.sleep(1);
  const left = Array.from({ length: shards.shardCount }, (_, at) => shards.shardIn(1, at).songs);
  expect(left.filter((songs) => songs > 0)).toEqual([]);
  expect(store.figures().songs).toBe(0);
});

test("a fold is freed to the end though one before it, in the same slot, was cleared while it was freed", async () => {
  const store = new ShardedStore({ maxFolds: 1, maxSongs: 200_000 }); // 64 shards
  const shards = store["shards"];
  const { ring } = shards;
  let fold = 0;
  const handOver = () => {
    store.seal(++fold);
    store.acknowledge(fold);
  };
  for (let n = 0; n < STEP_SONGS; n++) store.add(`old-${n}`, 1); // a step of freeing ends with the last shard
  handOver();
  handOver();
  store.clear();
  while (ring.slotOf(ring.open) !== 1) handOver();
  const again = ring.open;
  for (let n = 0; n < 5 * STEP_SONGS; n++) store.add(`new-${n}`, 1);
  handOver();
  handOver();
  while (ring.isFreeing(again)) await Bun.sleep(1);
  const left = Array.from({ length: shards.shardCount }, (_, at) => shards.shardIn(1, at).songs);
  expect(left.filter((songs) => songs > 0)).toEqual([]);
});

describe("A store with memory for few songs", () => {
  const options = { maxStoreBytes: 2 ** 20, maxSongs: 1000 };
  const longId = (n: number) => `${n}`.padEnd(500, "-");

  test("refuses further songs, and still counts those it has", async () => {
    const store = new ShardedStore({ ...options, maxSongs: 100_000 });
    let songs = 0;
    while ((await reasonOf(() => store.add(longId(songs), 1))) === undefined) songs++;
    expect(songs).toBeGreaterThan(1000); // of 520 bytes, in one mebibyte
    expect(store.figures().songs).toBe(songs);
    expect(store.get(longId(songs))).toBe(0);
    for (let n = 0; n < songs; n++) expect(store.add(longId(n), 1).count).toBe(2);
    expect(Array.from(store.entries(), (chunk) => [...chunk]).flat().length).toBe(songs);
  });

  test("can use all of its memory after each clear", async () => {
    const store = new ShardedStore(options);
    for (let round = 0; round < 20; round++) {
      for (let n = 0; n < 1000; n++) store.add(longId(n + round), round + 1);
      expect(await reasonOf(() => store.add("one more", 1))).toBe("full");
      store.clear();
    }
  });

  test("takes some songs even if maxSongs is the largest possible", async () => {
    for (const maxFolds of [1, 64]) {
      for (const maxStoreBytes of [2 ** 20, 2 ** 20 + 1, 2 ** 22]) {
        const store = new ShardedStore({ maxStoreBytes, maxSongs: 2 ** 40, maxFolds, threads: 1 });
        for (let n = 0; n < 300; n++) store.add(longId(n), 1);
        expect(await store.top(1)).toEqual([[longId(0), 1]]);
      }
    }
  });

  test("may have from 1 MiB to 4 GiB", () => {
    for (const maxStoreBytes of [2 ** 20 - 1, 2 ** 32 + 1, 0, Number.NaN])
      expect(() => new ShardedStore({ maxStoreBytes })).toThrow(/^maxStoreBytes must be a whole number from/);
    new ShardedStore({ maxStoreBytes: 2 ** 20 }).add("a", 1);
    new ShardedStore({ maxStoreBytes: 2 ** 32 }).add("a", 1);
  });
});

test("ids that collide in a hash without a key are spread like any others", () => {
  // All of them have FNV-1a hashes that end in the same 8 bits; with a key of its own a store sees no
  // pattern.
  const crafted: string[] = [];
  for (let n = 0; crafted.length < 4096; n++) if ((fnv1a(`${n}`) & 0xff) === 0) crafted.push(`${n}`);
  const store = new ShardedStore({ maxSongs: 100_000 }); // 64 shards
  for (const id of crafted) store.add(id, 1);
  const sizes = Array.from(store.entries(), (chunk) => [...chunk].length);
  expect(sizes.length).toBe(64);
  expect(Math.max(...sizes)).toBeLessThan(64 + 6 * 8); // six standard deviations above the mean
});

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const character of text) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return hash;
}

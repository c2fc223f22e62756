import { describe, expect, test } from "bun:test";
import { type Entry, ShardedStore, type ShardedStoreOptions } from "../../../src/mod.ts";
import { PAUSE } from "../../../src/store/chunks.ts";
import { reasonOf } from "../contract/support.ts";

function listOf(chunks: Iterable<Iterable<Entry>>): Entry[] {
  return Array.from(chunks, (chunk) => [...chunk]).flat();
}

/** Makes a store, as two threads have it: both in this thread, so that a test decides on their order. */
function twoThreads(options: ShardedStoreOptions = {}): [ShardedStore, ShardedStore] {
  const store = new ShardedStore({ maxSongs: 1000, ...options, threads: 1 }); // 64 shards
  return [store, ShardedStore.attach(store.handle, 1)];
}

describe("A list", () => {
  test("has every song if another thread seals the first fold before a shard is read", () => {
    const [store, other] = twoThreads();
    for (let n = 0; n < 40; n++) store.add(`song-${n}`, 1);
    const shards = store["shards"];
    const openShard = shards.openShard.bind(shards);
    let isSealed = false;
    shards.openShard = (at) => {
      if (!isSealed && at > 0 && shards.tryLock(at)) {
        shards.unlock(at);
        isSealed = other.seal(1);
      }
      return openShard(at);
    };
    expect(listOf(store.entries()).length).toBe(40);
  });

  test("waits for an addition that the version has already", () => {
    const [store, other] = twoThreads();
    const shards = other["shards"];
    shards.lock = (at) => {
      if (!shards.tryLock(at)) throw new Error("waits");
    };
    const names = Array.from({ length: 100 }, (_, n) => `song-${n}`);
    const id = names.find((name) => shards.locate(name) > 0) as string;
    const { heap } = store["shards"];
    const { version } = other;
    heap.recordChange = () => {
      Reflect.deleteProperty(heap, "recordChange");
      heap.recordChange();
      expect(other.version).not.toBe(version);
      expect(() => listOf(other.entries())).toThrow("waits");
    };
    store.add(id, 1);
    expect(listOf(other.entries())).toEqual([[id, 1]]);
  });

  test("of a fold ends as soon as the fold is cleared, even if its number is sealed again", async () => {
    const store = new ShardedStore({ maxSongs: 1000 });
    const seal = (prefix: string) => {
      for (let n = 0; n < 1000; n++) store.add(`${prefix}-${n}`, 1);
      store.seal(5);
    };
    for (const act of [() => {}, () => seal("new")]) {
      store.clear();
      seal("old");
      const walk = store.fold(5);
      expect([...(walk.next().value as Iterable<Entry>)].length).toBeGreaterThan(0);
      store.clear();
      act();
      expect(await reasonOf(() => walk.next())).toBe("gone");
    }
  });
});

describe("A list of shards with many songs in many folds", () => {
  const [SONGS, FOLDS] = [64 * 600, 8];

  /** Makes a store whose songs are in every fold, with one play in each. */
  function makeStore(): ShardedStore {
    const [store] = twoThreads({ maxSongs: SONGS, maxFolds: FOLDS });
    for (let fold = 1; fold <= FOLDS; fold++) {
      for (let n = 0; n < SONGS; n++) store.add(`song-${n}`, 1);
      store.seal(fold);
    }
    return store;
  }

  /** Returns true if another thread could lock every shard. */
  function isUnlocked(store: ShardedStore): boolean {
    const shards = store["shards"];
    const free = Array.from({ length: shards.shardCount }, (_, at) => at).filter((at) => shards.tryLock(at));
    for (const at of free) shards.unlock(at);
    return free.length === shards.shardCount;
  }

  test("pauses after a few thousand look-ups, without a lock", async () => {
    const store = makeStore();
    let [songs, pauses, wrong] = [0, 0, 0];
    for (const chunk of store.entries()) {
      const entries = [...chunk];
      if (chunk === PAUSE) pauses++;
      if (!isUnlocked(store)) wrong++;
      songs += entries.length;
      wrong += entries.filter(([, count]) => count !== FOLDS).length;
    }
    expect([songs, wrong]).toEqual([SONGS, 0]);
    expect(pauses).toBeGreaterThan((SONGS * FOLDS) / 8192);
    expect(await store.top(1)).toEqual([["song-0", FOLDS]]);
  });

  test("of a fold pauses between thousands of shards without songs", () => {
    const store = new ShardedStore({ maxSongs: 268_000_000, maxStoreBytes: 2 ** 30 });
    store.add("a", 1);
    store.seal(1);
    const chunks = Array.from(store.fold(1));
    expect(store["shards"].shardCount).toBe(65_536);
    expect(chunks.filter((chunk) => chunk === PAUSE)).toHaveLength(4);
    expect(chunks.flatMap((chunk) => [...chunk])).toEqual([["a", 1]]);
  });

  test.each(["added", "sealed", "acknowledged", "cleared"])("is right if plays are %s at a pause", (what) => {
    const store = makeStore();
    const walk = store.entries();
    const before: Entry[] = [];
    for (let chunk = walk.next(); before.length === 0 || [...chunk.value!].length > 0; chunk = walk.next())
      before.push(...chunk.value!);
    if (what === "added") for (let n = 0; n < SONGS; n++) store.add(`song-${n}`, 1);
    if (what === "sealed") store.acknowledge(1); // to have room for one more
    if (what === "sealed") store.seal(FOLDS + 1);
    if (what === "acknowledged") for (let fold = 1; fold <= 5; fold++) store.acknowledge(fold);
    if (what === "cleared") store.clear();
    const after = listOf(walk);
    const counts = new Map([...before, ...after]);
    expect(counts.size).toBe(before.length + after.length);
    expect(counts.size).toBe(what === "cleared" ? before.length : SONGS);
    const now = { added: FOLDS + 1, sealed: FOLDS - 1, acknowledged: FOLDS - 5, cleared: FOLDS }[what];
    // The shard that was being read is as it was, unless a fold of it is gone.
    const left = after.filter(([, count]) => count !== now);
    expect(left.filter(([, count]) => count !== FOLDS)).toEqual([]);
    expect(left.length).toBeLessThan(SONGS / 32);
    if (what === "acknowledged") expect(left).toEqual([]);
  });
});

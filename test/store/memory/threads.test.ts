import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ShardedStore } from "../../../src/mod.ts";
import { rounds } from "../../support/extent.ts";
import { Random } from "../../support/random.ts";
import { endThreads, start } from "./counting-threads.ts";
import { BATCH, idOf, sendKeyed } from "../played-ids.ts";

setDefaultTimeout(300_000);

afterEach(endThreads);

describe("Threads that count in one store", () => {
  test("lose none of millions of additions to songs that are hot, cold and new", async () => {
    const store = new ShardedStore({ threads: 4, maxSongs: 1_000_000 });
    const additions = rounds(2_500_000, 100_000);
    const shared = { additions, hot: 10, songs: 200_000 };
    const ended = Array.from(
      { length: 4 },
      (_, at) => start(store, { ...shared, thread: at + 1, seed: at }).ended,
    );
    await Promise.all(ended);

    const expected = new Map<string, number>();
    for (let seed = 0; seed < 4; seed++) {
      for (let n = 0; n < additions; n++) {
        const id = idOf(shared, seed, n);
        expected.set(id, (expected.get(id) ?? 0) + 1);
      }
    }
    expect(store.figures().songs).toBe(expected.size);
    let plays = 0;
    let wrong = 0;
    for (const chunk of store.entries()) {
      for (const [id, count] of chunk) {
        plays += count;
        if (expected.get(id) !== count) wrong++;
      }
    }
    expect({ plays, wrong }).toEqual({ plays: 4 * additions, wrong: 0 });
  });

  test("add exactly maxSongs songs, and none twice", async () => {
    const store = new ShardedStore({ threads: 3, maxSongs: 5000 });
    const task = { additions: 20_000, hot: 0, songs: 20_000 };
    await Promise.all([1, 2, 3].map((thread) => start(store, { ...task, thread, seed: 7 }).ended));
    const ids = Array.from(store.entries(), (chunk) => Array.from(chunk, ([id]) => id)).flat();
    expect([ids.length, new Set(ids).size, store.figures().songs]).toEqual([5000, 5000, 5000]);
  });

  test("that die while they count block no other thread, and lose no counted play", async () => {
    const random = new Random("dying threads");
    const kills = rounds(60, 8);
    const store = new ShardedStore({ threads: 2, maxSongs: 10_000_000 });
    const survivor = start(store, { thread: 2, seed: 1, additions: 1e9, hot: 50, songs: 100_000 });
    for (let kill = 0; kill < kills; kill++) {
      const seed = 1000 + kill;
      // New songs with few additions each: most of the time goes into making room.
      const task = { seed, additions: 1e9, hot: 0, songs: 1e9 };
      const victim = start(store, { ...task, thread: 1 });
      while (victim.counted() === 0) await Bun.sleep(1);
      await Bun.sleep(random.below(12));
      victim.worker.terminate();
      await victim.closed;
      store.release(1);
      const counted = victim.counted();
      for (let n = 0; n < counted; n++) {
        const id = idOf(task, seed, n);
        if (store.get(id) !== 1) throw new Error(`of kill ${kill} addition ${n} of ${counted} is lost`);
      }
    }
    const before = survivor.counted();
    while (survivor.counted() < before + 1000) await Bun.sleep(1); // it is not held up
    survivor.worker.terminate();
    await survivor.closed;
    store.release(2);

    let songs = 0;
    const ids = new Set<string>();
    for (const chunk of store.entries()) {
      for (const [id] of chunk) {
        songs++;
        ids.add(id);
      }
    }
    expect(ids.size).toBe(songs);
    expect(store.figures().songs - songs).toBeWithin(0, kills + 2);
    expect(store.clear()).toBe(true);
    expect([store.figures().songs, store.add("a", 1).count]).toEqual([0, 1]);
  });

  test("that die while they answer writers leave each request counted and kept, or neither", async () => {
    const random = new Random("dying writers");
    const store = new ShardedStore({ threads: 2, maxWriters: 4 });
    const task = { seed: 0, additions: 1e9, hot: 0, songs: 0 };
    const survivor = start(store, { ...task, thread: 2, hot: 50, songs: 1000 });
    let [songs, batches] = [0, 0];
    for (let kill = 0; kill < rounds(40, 6) || songs <= 100; kill++) {
      const writer = `victim-${kill}`;
      const victim = start(store, { ...task, thread: 1, sendsKeys: writer });
      while (victim.counted() === 0) await Bun.sleep(1);
      await Bun.sleep(random.below(20));
      victim.worker.terminate();
      await victim.closed;
      store.release(1);
      const sent = victim.counted() + 1;
      sendKeyed(store, writer, sent - 1); // nobody knows whether it was counted
      songs += Math.ceil(sent / 2);
      batches += Math.floor(sent / 2);
    }
    survivor.worker.terminate();
    await survivor.closed;
    store.release(2);
    expect(songs).toBeGreaterThan(100);
    expect(store.get("keyed")).toBe(songs);
    for (const id of BATCH.keys()) expect(store.get(id)).toBe(batches);
  });

  test("that die while they hold every lock do not block the thread that frees a fold meanwhile", async () => {
    const store = new ShardedStore({ threads: 1, maxSongs: 1_000_000 });
    for (let n = 0; n < rounds(500_000, 200_000); n++) store.add(`song-${n}`, 1);
    for (const fold of [1, 2]) store.seal(fold);
    const task = { thread: 1, seed: 0, additions: 0, hot: 0, songs: 0, isStuckInClear: true };
    const stuck = start(store, task, (send) => {
      for (const fold of [1, 2]) store.acknowledge(fold); // fold 1 is dropped, and freed in later turns of this thread
      send();
      while (stuck.counted() === 0); // in this turn
    });
    while (stuck.counted() === 0) await Bun.sleep(1);
    const isFreeing = () => store["shards"].ring.isFreeing(1);
    await Bun.sleep(20);
    expect(isFreeing()).toBe(true);
    stuck.worker.terminate();
    await stuck.closed;
    store.release(1);
    while (isFreeing()) await Bun.sleep(1);
  });

  test("that die while they hold every lock block no other thread", async () => {
    const store = new ShardedStore({ threads: 2 });
    for (let n = 0; n < 1000; n++) store.add(`song-${n}`, 1);
    const victim = start(store, { thread: 1, seed: 0, additions: 0, hot: 0, songs: 0, isStuckInClear: true });
    while (victim.counted() === 0) await Bun.sleep(1);
    const other = start(store, { thread: 2, seed: 1, additions: 1000, hot: 0, songs: 1e9 });
    await Bun.sleep(200);
    expect(other.counted()).toBe(0); // it waits
    victim.worker.terminate();
    await victim.closed;
    store.release(1);
    await other.ended;
    expect(store.figures().songs).toBe(2000);
    expect(store.get("song-999")).toBe(1);
  });

  test.each([-1, 0.5, 255, Number.NaN])("cannot be %p", (count) => {
    expect(() => new ShardedStore({ threads: count })).toThrow(RangeError);
  });

  test.each([0, -1, 3, 1.5])("have numbers from 1 to the number of threads, not %p", (thread) => {
    expect(() => ShardedStore.attach(new ShardedStore({ threads: 2 }).handle, thread)).toThrow(RangeError);
  });
});

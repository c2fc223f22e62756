import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ShardedStore } from "../../../src/mod.ts";
import { rounds } from "../../support/extent.ts";
import { Random } from "../../support/random.ts";
import { endThreads, start } from "./counting-threads.ts";

setDefaultTimeout(300_000);
afterEach(endThreads);

/** Returns the sum of all counts of chunks. */
function sum(chunks: Iterable<Iterable<readonly [string, number]>>): number {
  let plays = 0;
  for (const chunk of chunks) for (const [, count] of chunk) plays += count;
  return plays;
}

/** Seals a fold, as soon as the memory of a dropped one is freed: other threads may have all processors. */
async function sealWithRoom(store: ShardedStore, fold: number): Promise<boolean> {
  for (;;) {
    try {
      return store.seal(fold);
    } catch (error) {
      expect((error as Error).message).toMatch(/still being freed: try again/);
      await Bun.sleep(1);
    }
  }
}

describe("Threads that count while folds are sealed", () => {
  test("have each play in exactly one fold, and no fold changes once it is sealed", async () => {
    const store = new ShardedStore({ threads: 3, maxSongs: 100_000, maxFolds: 3 });
    const additions = rounds(400_000, 100_000);
    const task = { additions, hot: 20, songs: 20_000 };
    const counting = [1, 2, 3].map((thread) => start(store, { ...task, thread, seed: thread }));
    let isOver = false;
    const ended = Promise.all(counting.map((thread) => thread.ended)).then(() => (isOver = true));

    let handedOver = 0;
    let folds = 0;
    while (!isOver || folds <= 20) {
      const fold = ++folds;
      expect(await sealWithRoom(store, fold)).toBe(true);
      const plays = sum(store.fold(fold));
      await Bun.sleep(1);
      expect(sum(store.fold(fold))).toBe(plays);
      if (fold > 2) {
        handedOver += sum(store.fold(fold - 2));
        store.acknowledge(fold - 2);
      }
    }
    await ended;
    expect(handedOver + sum(store.entries())).toBe(3 * additions);
    expect(folds).toBeGreaterThan(20);
  });

  test("that die while they add batches leave each batch whole or absent", async () => {
    const random = new Random("dying in batches");
    const store = new ShardedStore({ threads: 1, maxFolds: 60 });
    let least = 0;
    for (let kill = 1; kill <= rounds(40, 10); kill++) {
      const task = { thread: 1, seed: 0, additions: 1e9, hot: 0, songs: 0, addsBatches: true };
      const victim = start(store, task);
      while (victim.counted() === 0) await Bun.sleep(1);
      await Bun.sleep(random.below(8));
      victim.worker.terminate();
      await victim.closed;
      store.release(1);
      least += victim.counted();
      const counts = new Set(Array.from({ length: 50 }, (_, n) => store.get(`batch-${n}`)));
      expect(counts.size).toBe(1);
      expect([...counts][0]).toBeWithin(least, least + kill + 1); // one of each thread may be there unanswered
      least = [...counts][0] as number;
      if (kill % 10 === 0) store.seal(kill);
    }
  });
});

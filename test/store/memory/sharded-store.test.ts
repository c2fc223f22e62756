import { describe, expect, test } from "bun:test";
import { ShardedStore } from "../../../src/mod.ts";
import { testCountStore } from "../contract.ts";

testCountStore("A sharded store", (options) => new ShardedStore(options));

testCountStore("A sharded store as another thread sees it", (options) => {
  return ShardedStore.attach(new ShardedStore({ ...options, threads: 1 }).handle, 1);
});

describe("A sharded store", () => {
  test("answers at once", () => {
    const store = new ShardedStore();
    expect(store.add("a", 2)).toEqual({ count: 2, fold: 0 });
    expect(store.get("a")).toBe(2);
    expect(store.top(1)).toEqual([["a", 2]]);
    expect(Array.from(store.entries(), (chunk) => [...chunk]).flat()).toEqual([["a", 2]]);
    expect(store.clear()).toBe(true);
  });

  test("is read in chunks much shorter than the whole", () => {
    const store = new ShardedStore();
    for (let n = 0; n < 64_000; n++) store.add(`song-${n}`, 1);
    const sizes = Array.from(store.entries(), (chunk) => [...chunk].length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(64_000);
    expect(Math.max(...sizes)).toBeLessThan(64_000 / 40);
  });

  test("lists no cleared songs when it is cleared while being read", () => {
    const store = new ShardedStore({ maxSongs: 1000 }); // 64 shards
    for (let n = 0; n < 1000; n++) store.add(`song-${n}`, 10);
    const walk = store.entries();
    const first = [...(walk.next().value as Iterable<unknown>)];
    expect(first.length).toBeWithin(2, 100);
    store.clear();
    for (let n = 0; n < 500; n++) store.add(`new-${n}`, 1);
    const rest = Array.from(walk, (chunk) => [...chunk]).flat();
    expect(rest.length).toBeWithin(400, 501);
    expect(rest.filter(([id, count]) => !id.startsWith("new-") || count !== 1)).toEqual([]);
  });

  test("orders songs differently from any other store", () => {
    const orders = Array.from({ length: 2 }, () => {
      const store = new ShardedStore();
      for (let n = 0; n < 200; n++) store.add(`song-${n}`, 1);
      return Array.from(store.entries(), (chunk) => Array.from(chunk, ([id]) => id))
        .flat()
        .join();
    });
    expect(orders[0]).not.toBe(orders[1] as string);
  });

  test.each([-1, 0.5, 2 ** 41, Number.NaN, Infinity])("refuses maxSongs %p", (maxSongs) => {
    expect(() => new ShardedStore({ maxSongs })).toThrow(RangeError);
  });
});

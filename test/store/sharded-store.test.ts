import { describe, expect, test } from "bun:test";
import { ShardedStore } from "../../src/mod.ts";
import { testCountStore } from "./contract.ts";

testCountStore("A sharded store", (options) => new ShardedStore(options));

testCountStore("A sharded store as another thread sees it", (options) => {
  return ShardedStore.attach(new ShardedStore({ ...options, threads: 1 }).handle, 2);
});

describe("A sharded store", () => {
  test("answers at once", () => {
    const store = new ShardedStore();
    expect(store.add("a", 2)).toBe(2);
    expect(store.get("a")).toBe(2);
    expect(store.top(1)).toEqual([["a", 2]]);
    expect(Array.from(store.entries(), (chunk) => [...chunk]).flat()).toEqual([["a", 2]]);
    expect(store.clear()).toBe(true);
  });

  test("is read in steps that are short beside the whole", () => {
    const store = new ShardedStore();
    for (let n = 0; n < 64_000; n++) store.add(`song-${n}`, 1);
    const sizes = Array.from(store.entries(), (chunk) => [...chunk].length);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(64_000);
    expect(Math.max(...sizes)).toBeLessThan(64_000 / 40);
  });

  test("shows nothing of what was cleared while it is being read", () => {
    const store = new ShardedStore();
    for (let n = 0; n < 1000; n++) store.add(`song-${n}`, 10);
    const walk = store.entries();
    const first = [...(walk.next().value as Iterable<unknown>)];
    store.clear();
    store.add("new", 1);
    const rest = [...walk].flatMap((chunk) => [...chunk]);
    expect(first.length).toBeLessThan(1000);
    expect(rest.every(([id, count]) => id === "new" && count === 1)).toBe(true);
  });

  test("places songs otherwise than any other store does", () => {
    const orders = Array.from({ length: 2 }, () => {
      const store = new ShardedStore();
      for (let n = 0; n < 200; n++) store.add(`song-${n}`, 1);
      return Array.from(store.entries(), (chunk) => Array.from(chunk, ([id]) => id))
        .flat()
        .join();
    });
    expect(orders[0]).not.toBe(orders[1] as string);
  });

  test.each([-1, 0.5, 2 ** 41, Number.NaN, Infinity])("cannot have room for %p songs", (maxSongs) => {
    expect(() => new ShardedStore({ maxSongs })).toThrow(RangeError);
  });
});

import { expect, test } from "bun:test";
import { hash, processKey, randomKey } from "../src/hash.ts";
import { KeyedMap } from "../src/keyed-map.ts";
import { craftedIds } from "./support/crafted-ids.ts";
import { Random } from "./support/random.ts";

test("a keyed map is a Map that iterates in the order of additions", () => {
  const random = new Random("keyed map");
  const [map, oracle] = [new KeyedMap<number>(), new Map<string, number>()];
  for (let round = 0; round < 20_000; round++) {
    const key = random.text(["a", "b", "é", "\0", "歌", "__proto__"], 4);
    expect(map.has(key)).toBe(oracle.has(key));
    expect(map.get(key)).toBe(oracle.get(key));
    if (round % 2 === 0) map.set(key, round);
    else map.update(key, (before = -1) => before + round);
    oracle.set(key, round % 2 === 0 ? round : (oracle.get(key) ?? -1) + round);
  }
  expect([...map]).toEqual([...oracle]);
  expect(map.values()).toEqual([...oracle.values()]);
  expect(map.size).toBe(oracle.size);
});

test("a keyed map has no key that was removed, and all others", () => {
  const random = new Random("keyed map without");
  const [map, oracle] = [new KeyedMap<number>(), new Map<string, number>()];
  for (let round = 0; round < 20_000; round++) {
    const key = `${random.below(round < 10_000 ? 300 : 30)}`;
    if (random.chance(0.5)) {
      map.delete(key);
      oracle.delete(key);
    } else {
      map.set(key, round);
      oracle.set(key, round);
    }
    expect(map.get(key)).toBe(oracle.get(key));
    expect(map.size).toBe(oracle.size);
    if (round % 100 === 0) expect(new Map(map)).toEqual(oracle);
  }
});

test("a change that throws adds no key", () => {
  const map = new KeyedMap<number>();
  const fail = () => {
    throw new Error("no");
  };
  expect(() => map.update("a", fail)).toThrow("no");
  expect([map.size, map.has("a")]).toEqual([0, false]);
  map.set("a", 1);
  expect(() => map.update("a", fail)).toThrow("no");
  expect(map.get("a")).toBe(1);
});

test("ids that collide in the engine's hash do not collide in ours", () => {
  const ids = craftedIds(20_000);
  const key = randomKey();
  const differing = new Set(ids.map((id) => hash(id, key))).size;
  expect(differing).toBeGreaterThan(ids.length - 10);
});

test("keys with one hash are told apart, also after any of them is removed", () => {
  const byHash = new Map<number, string[]>();
  let same: string[] = [];
  for (let n = 0; same.length < 2; n++) {
    const found = hash(`song-${n}`, processKey());
    same = [...(byHash.get(found) ?? []), `song-${n}`];
    byHash.set(found, same);
  }
  for (const removed of same) {
    const map = new KeyedMap<number>();
    for (const [at, key] of same.entries()) map.set(key, at);
    expect([...map]).toEqual(same.map((key, at) => [key, at]));
    map.delete(removed);
    const others = same.filter((key) => key !== removed);
    expect(Array.from(map, ([key]) => key)).toEqual(others);
    expect(same.map((key) => map.has(key))).toEqual(same.map((key) => key !== removed));
    map.set(removed, 7);
    expect(same.map((key) => map.get(key))).toEqual(same.map((key, at) => (key === removed ? 7 : at)));
  }
});

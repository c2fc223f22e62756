/**
 * `bun crafted-child.ts COUNT TURNS` adds and reads ids that are crafted to collide, and random ones, and
 * prints {@linkcode Crafted} as JSON.
 */
import process from "node:process";
import { ShardedStore } from "../../src/store/memory/sharded-store.ts";
import { craftIds, randomIds } from "./crafted-ids.ts";

/** Nanoseconds of one addition of a new song and one look-up, by the ids. */
export interface Crafted {
  random: number;
  crafted: number;
}

/** Turns that are discarded at first, while the JIT compilers are still at work. */
const WARM_UPS = 10;

/** Size of a store: small, because every turn makes two. */
const STORE_BYTES = 2 ** 24;

const [count = 0, turns = 0] = process.argv.slice(2).map(Number);
console.log(JSON.stringify(measure(count, turns)));

function measure(count: number, turns: number): Crafted {
  const sets = { random: randomIds(count), crafted: craftIds(count) };
  const sums: Crafted = { random: 0, crafted: 0 };
  for (let turn = -WARM_UPS; turn < turns; turn++) {
    const order = turn % 2 === 0 ? (["random", "crafted"] as const) : (["crafted", "random"] as const);
    for (const name of order) {
      // A new store has a new hash key, so no set is lucky for long.
      const took = addAndRead(new ShardedStore({ maxStoreBytes: STORE_BYTES }), sets[name]);
      if (turn >= 0) sums[name] += took;
    }
  }
  return { random: sums.random / (turns * count), crafted: sums.crafted / (turns * count) };
}

/** @throws {Error} unless the store has all `ids` then, with one play each. */
function addAndRead(store: ShardedStore, ids: readonly string[]): number {
  let plays = 0;
  const began = Bun.nanoseconds();
  for (const id of ids) store.add(id, 1);
  for (const id of ids) plays += store.get(id);
  const took = Bun.nanoseconds() - began;
  if (plays === ids.length && store.figures().songs === ids.length) return took;
  throw new Error(`added ${ids.length} songs, and counted ${plays} plays of ${store.figures().songs} songs`);
}

/**
 * `bun crafted-child.ts COUNT TURNS` adds and reads ids that are crafted to collide, and random ones, and prints
 * {@linkcode Crafted} as JSON.
 */
import process from "node:process";
import { ShardedStore } from "../../src/store/memory/sharded-store.ts";
import { craftIds, randomIds } from "./crafted-ids.ts";

/** Nanoseconds of one addition of a new song and one look-up. */
export interface Crafted {
  random: number;
  crafted: number;
}

/** The first turns are not looked at, while compilers are still at work. */
const WARM_UPS = 10;

/** Songs for which a store is made here: a small one, as many are made. */
const STORE_BYTES = 2 ** 24;

const [count = 0, turns = 0] = process.argv.slice(2).map(Number);
console.log(JSON.stringify(measure(count, turns)));

function measure(count: number, turns: number): Crafted {
  const sets = { random: randomIds(count), crafted: craftIds(count) };
  const sums: Crafted = { random: 0, crafted: 0 };
  for (let turn = -WARM_UPS; turn < turns; turn++) {
    const order = turn % 2 === 0 ? (["random", "crafted"] as const) : (["crafted", "random"] as const);
    for (const name of order) {
      // Each store has a key of its own, so that no set is lucky for long.
      const took = addAndRead(new ShardedStore({ maxStoreBytes: STORE_BYTES }), sets[name]);
      if (turn >= 0) sums[name] += took;
    }
  }
  return { random: sums.random / (turns * count), crafted: sums.crafted / (turns * count) };
}

/** @throws {Error} unless all of `ids` are songs then, each with one play. */
function addAndRead(store: ShardedStore, ids: readonly string[]): number {
  let plays = 0;
  const began = Bun.nanoseconds();
  for (const id of ids) store.add(id, 1);
  for (const id of ids) plays += store.get(id);
  const took = Bun.nanoseconds() - began;
  if (plays === ids.length && store.songs === ids.length) return took;
  throw new Error(
    `${ids.length} songs were played once, and there are ${store.songs} songs and ${plays} plays`,
  );
}

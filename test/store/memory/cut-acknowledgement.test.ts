import { expect, test } from "bun:test";
import { ShardedStore } from "../../../src/store/memory/sharded-store.ts";
import type { Shards } from "../../../src/store/memory/shards.ts";

/** A store in which a thread "dies" before one of its writes to the ring: it keeps its locks. */
class DyingStore extends ShardedStore {
  dieBefore(write: number): void {
    const shards: Shards = this.shards;
    const ring = shards.ring as unknown as Record<"words" | "numbers", Int32Array | Float64Array>;
    let writes = 0;
    for (const name of ["words", "numbers"] as const)
      ring[name] = new Proxy(ring[name], {
        get: (target, key) => Reflect.get(target, key) as unknown,
        set: (target, key, value) => {
          if (writes++ === write) throw new Error("killed");
          return Reflect.set(target, key, value);
        },
      });
    shards.ring.songsOf = () => 0; // which takes no proxy
    shards.unlock = () => {};
  }
}

test("An acknowledgement whose thread dies is done or not done, whatever it had written", () => {
  const outcomes = new Set<boolean>();
  for (let write = 0; write < 4; write++) {
    const store = new ShardedStore({ threads: 1 });
    for (let fold = 1; fold <= 3; fold++) {
      store.add("a", fold);
      store.seal(fold);
    }
    store.acknowledge(1);
    const dying = new DyingStore({}, { handle: store.handle, owner: 2 });
    dying.dieBefore(write);
    expect(() => dying.acknowledge(2)).toThrow("killed");
    store.release(1);
    const isDone = store.folds().length === 1;
    outcomes.add(isDone);
    expect(store.get("a")).toBe(isDone ? 3 : 5);
    expect(store.get("a", 1)).toBe(5);
    if (isDone) expect(() => store.get("a", 0)).toThrow("dropped");
    else expect(store.get("a", 0)).toBe(6);
    store.acknowledge(2);
    store.acknowledge(3);
    expect([store.get("a"), store.get("a", 2), store.folds()]).toEqual([0, 3, []]);
  }
  expect(outcomes.size).toBe(2);
});

import { ShardedStore } from "../../src/store/memory/sharded-store.ts";

/** The operations that are measured. */
export interface Counter {
  add: (id: string) => void;
  get: (id: string) => number;
  songs: () => number;
}

/** Counters that are compared. */
export type CounterKind = "own" | "shared" | "map";

/** Makes an empty counter. */
export const makeCounter: Record<CounterKind, () => Counter> = {
  own: () => ofStore(new ShardedStore()),
  shared: () => ofStore(new ShardedStore({ threads: 1 })),
  map: () => ofMap(new Map()),
};

function ofStore(store: ShardedStore): Counter {
  return {
    add: (id) => store.add(id, 1),
    get: (id) => store.get(id),
    songs: () => store.figures().songs,
  };
}

function ofMap(map: Map<string, number>): Counter {
  return {
    add: (id) => map.set(id, (map.get(id) ?? 0) + 1),
    get: (id) => map.get(id) ?? 0,
    songs: () => map.size,
  };
}

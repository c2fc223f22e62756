import { ShardedStore } from "../../src/store/memory/sharded-store.ts";

/** What counts songs, as far as it is measured. */
export interface Counter {
  add: (id: string) => void;
  get: (id: string) => number;
  songs: () => number;
}

/** Those that are compared. */
export type CounterKind = "own" | "shared" | "map";

/** Makes an empty one. */
export const makeCounter: Record<CounterKind, () => Counter> = {
  own: () => ofStore(new ShardedStore()),
  shared: () => ofStore(new ShardedStore({ threads: 1 })),
  map: () => ofMap(new Map()),
};

function ofStore(store: ShardedStore): Counter {
  return {
    add: (id) => store.add(id, 1),
    get: (id) => store.get(id),
    songs: () => store.songs,
  };
}

function ofMap(map: Map<string, number>): Counter {
  return {
    add: (id) => map.set(id, (map.get(id) ?? 0) + 1),
    get: (id) => map.get(id) ?? 0,
    songs: () => map.size,
  };
}

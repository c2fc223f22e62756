import { type CountStore, ShardedStore } from "../../src/mod.ts";
import { MapStore } from "../store/map-store.ts";
import type { Design } from "./actors.ts";
import { changed, DelayedSeal, forgetsKept, handsOutOnce, knowsWriterOnly } from "./broken-stores.ts";
import type { MakeServers } from "./simulate.ts";

/** The right design. */
export const RIGHT: Design = {
  keyOf: (key) => key,
  after: Math.max,
  readsTogether: true,
  guardsRows: true,
  storesDone: "after the rows",
  acknowledges: "after the rows",
  goesBy: "the database",
  asksAll: true,
};

const WORKERS = 2;
const stores = Array.from({ length: 2 }, () => new ShardedStore({ threads: WORKERS, maxSongs: 100 }));
const workers = stores.map(({ handle }) =>
  Array.from({ length: WORKERS }, (_, n) => ShardedStore.attach(handle, n + 1)),
);

/** Servers of two workers each that share a store. All runs use the same ones, and clear them. */
export const sharded: MakeServers = (count) => {
  for (const store of stores.slice(0, count)) store.clear();
  return workers.slice(0, count);
};

/** Servers whose store is made, and perhaps spoilt, by `make`. */
const simple =
  (make: (store: CountStore) => CountStore): MakeServers =>
  (count) =>
    Array.from({ length: count }, () => [make(new MapStore())]);

/** Servers whose workers have a store each, and hear of a seal at once or later. */
const apart =
  (isDelayed: boolean): MakeServers =>
  (count, random) =>
    Array.from({ length: count }, () => [new DelayedSeal(isDelayed ? random : undefined)]);

/** Designs in which no error may occur. */
export const SOUND: Readonly<Record<string, [Design, MakeServers]>> = {
  "in shared memory": [RIGHT, sharded],
  "in a Map": [RIGHT, simple((store) => store)],
  "with a job that goes by what is not acknowledged": [
    { ...RIGHT, goesBy: "what is not acknowledged" },
    simple((store) => store),
  ],
  "in workers with stores of their own that are sealed at one instant": [RIGHT, apart(false)],
};

/** Designs with one fault each, which has to show in some run. */
export const BROKEN: Readonly<Record<string, [Design, MakeServers]>> = {
  "a client retries without a key": [{ ...RIGHT, keyOf: () => undefined }, sharded],
  "a client takes a new key when it retries": [
    { ...RIGHT, keyOf: ({ writer, seq }, attempt) => ({ writer, seq: seq * 1000 + attempt }) },
    sharded,
  ],
  "a client takes a new name when it retries": [
    { ...RIGHT, keyOf: ({ writer, seq }, attempt) => ({ writer: `${writer}.${attempt}`, seq }) },
    sharded,
  ],
  "a server does not look at keys": [
    RIGHT,
    simple((store) => changed(store, { add: (id, plays) => store.add(id, plays) })),
  ],
  "a server knows a writer's requests by the writer alone": [RIGHT, simple(knowsWriterOnly)],
  "a server hands a fold out only once": [RIGHT, simple(handsOutOnce)],
  "a server excludes the acknowledged fold for clients that do not have it": [RIGHT, simple(forgetsKept)],
  "after excludes one fold more": [
    RIGHT,
    simple((store) =>
      changed(store, { get: (id, after) => store.get(id, after === undefined ? after : after + 1) }),
    ),
  ],
  "after excludes one fold less": [
    RIGHT,
    simple((store) =>
      changed(store, {
        get: (id, after) => store.get(id, after === undefined ? after : Math.max(0, after - 1)),
      }),
    ),
  ],
  "a fold is sealed before all workers have heard of it": [RIGHT, apart(true)],
  "a page uses only the row's fold": [{ ...RIGHT, after: (fold) => fold }, sharded],
  "a page uses only the last fold done": [{ ...RIGHT, after: (_, done) => done }, sharded],
  "a page reads its row and the last fold done apart": [{ ...RIGHT, readsTogether: false }, sharded],
  "a job acknowledges before the rows are in": [
    { ...RIGHT, acknowledges: "before the rows", goesBy: "what is not acknowledged" },
    sharded,
  ],
  "a job stores the last fold done before the rows are in": [
    { ...RIGHT, storesDone: "before the rows" },
    sharded,
  ],
  "a job does not guard its rows": [{ ...RIGHT, guardsRows: false }, sharded],
  "a job takes a new number after a crash": [{ ...RIGHT, goesBy: "what is sealed" }, sharded],
  "a job goes on without the servers that do not answer": [{ ...RIGHT, asksAll: false }, sharded],
};

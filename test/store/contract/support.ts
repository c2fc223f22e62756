import type { Awaitable } from "../../../src/async/awaitable.ts";
import {
  type Addition,
  type Chunk,
  type CountStore,
  type Entry,
  Refusal,
  type RefusalReason,
  type StoreOptions,
} from "../../../src/mod.ts";

/** Makes an empty store. */
export type MakeStore = (options: StoreOptions) => Awaitable<CountStore>;

/** Properties in which stores differ. */
export interface Traits {
  /** A retry of a batch returns its first answer, not the current counts. */
  keepsBatchAnswers: boolean;
  /** A clear takes a condition. */
  clearsOnCondition: boolean;
}

/** Ids that a careless implementation would confuse or lose. */
export const ODD_IDS: readonly string[] = [
  ["__proto__", "constructor", "toString", "hasOwnProperty", "null", "undefined", "NaN"],
  ["", " ", "\0", "\0\0", "a\0", "\ufeff", "\u2028", "\uffff"],
  ["a/b", "=", ",", "a=1,b", "%2F", "0", "00", "-0", "1e3"],
  ["é", "e\u0301", "歌", "😀", "😀".repeat(128), "x".repeat(512), `${"x".repeat(511)}y`],
].flat();

/** Adds plays to many songs at once, so that a store that waits for a disk or for Redis waits once. */
export async function addEach(store: CountStore, plays: Iterable<Entry>): Promise<void> {
  await Promise.all(Array.from(plays, ([id, count]) => store.add(id, count)));
}

/** Returns every song of a store, by id. Awaits `between` after each chunk. */
export async function listed(
  store: CountStore,
  between: () => Promise<void> = async () => {},
  after?: number,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const chunk of store.entries(after)) {
    entries.push(...chunk);
    await between();
  }
  return entries.sort(byId);
}

/** Returns the numbers of the folds that are not acknowledged. */
export async function foldsOf(store: CountStore): Promise<number[]> {
  return (await store.folds()).map(({ fold }) => fold);
}

/** Returns every song of a fold, by id. */
export async function sealed(store: CountStore, fold: number): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const chunk of store.fold(fold)) entries.push(...chunk);
  return entries.sort(byId);
}

/** Returns the same store, except that each answer takes a turn of the event loop. */
export function delayed(store: CountStore): CountStore {
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  async function* later(chunks: ReturnType<CountStore["entries"]>): AsyncGenerator<Chunk> {
    for await (const chunk of chunks) {
      await turn();
      yield chunk;
    }
  }
  return {
    maxIdBytes: store.maxIdBytes,
    get version() {
      return store.version;
    },
    get newestFold() {
      return store.newestFold;
    },
    get: (id, after) => turn().then(() => store.get(id, after)),
    getAll: (ids, after) => turn().then(() => store.getAll(ids, after)),
    add: (id, plays, key) => turn().then(() => store.add(id, plays, key)),
    addAll: (plays, key) => turn().then(() => store.addAll(plays, key)),
    top: (n, after) => turn().then(() => store.top(n, after)),
    seal: (fold, label) => turn().then(() => store.seal(fold, label)),
    folds: () => turn().then(() => store.folds()),
    acknowledge: (fold, label) => turn().then(() => store.acknowledge(fold, label)),
    fold: (fold) => later(store.fold(fold)),
    clear: (unless) => turn().then(() => store.clear(unless)),
    figures: () => turn().then(() => store.figures()),
    entries: (after) => later(store.entries(after)),
  };
}

/** Returns the new count of an addition. */
export async function countOf(addition: Awaitable<Addition>): Promise<number> {
  return (await addition).count;
}

/** Returns the reason of a refusal, or `undefined`. */
export async function reasonOf(addition: () => unknown): Promise<RefusalReason | undefined> {
  return (await refusalOf(addition))?.reason;
}

/** Returns a refusal, or `undefined`. */
export async function refusalOf(addition: () => unknown): Promise<Refusal | undefined> {
  try {
    await addition();
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  return undefined;
}

/** Orders entries by id, in ascending code units. */
export function byId([a]: Entry, [b]: Entry): number {
  return a < b ? -1 : 1;
}

/** Orders entries by count, highest first, and ties by id. */
export function byCount(a: Entry, b: Entry): number {
  return b[1] - a[1] || byId(a, b);
}

import type { Awaitable } from "../../../src/awaitable.ts";
import {
  type CountStore,
  type Entry,
  Refusal,
  type RefusalReason,
  type StoreOptions,
} from "../../../src/mod.ts";

/** Makes an empty store. */
export type MakeStore = (options: StoreOptions) => Awaitable<CountStore>;

/** Ids that somebody's shortcut would mix up or lose. */
export const ODD_IDS: readonly string[] = [
  ["__proto__", "constructor", "toString", "hasOwnProperty", "null", "undefined", "NaN"],
  ["", " ", "\0", "\0\0", "a\0", "\ufeff", "\u2028", "\uffff"],
  ["a/b", "=", ",", "a=1,b", "%2F", "0", "00", "-0", "1e3"],
  ["é", "e\u0301", "歌", "😀", "😀".repeat(128), "x".repeat(512), `${"x".repeat(511)}y`],
].flat();

/** Every song of a store, by id; `between` is awaited after each chunk. */
export async function listed(
  store: CountStore,
  between: () => Promise<void> = async () => {},
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const chunk of store.entries()) {
    entries.push(...chunk);
    await between();
  }
  return entries.sort(byId);
}

/** The same store, but that each of its answers takes a turn of the event loop. */
export function delayed(store: CountStore): CountStore {
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    maxIdBytes: store.maxIdBytes,
    get version() {
      return store.version;
    },
    get: (id) => turn().then(() => store.get(id)),
    add: (id, plays) => turn().then(() => store.add(id, plays)),
    top: (n) => turn().then(() => store.top(n)),
    clear: (unless) => turn().then(() => store.clear(unless)),
    async *entries() {
      for await (const chunk of store.entries()) {
        await turn();
        yield chunk;
      }
    },
  };
}

/** Why an addition is refused, if it is. */
export async function reasonOf(addition: () => Awaitable<number>): Promise<RefusalReason | undefined> {
  try {
    await addition();
  } catch (error) {
    if (error instanceof Refusal) return error.reason;
    throw error;
  }
  return undefined;
}

/** An order of entries: by id, in ascending code units. */
export function byId([a]: Entry, [b]: Entry): number {
  return a < b ? -1 : 1;
}

/** An order of entries: the highest count first, ties by id. */
export function byCount(a: Entry, b: Entry): number {
  return b[1] - a[1] || byId(a, b);
}

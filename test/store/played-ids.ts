import type { ShardedStore } from "../../src/mod.ts";

/** Returns the song of a thread's n-th addition. */
export function idOf({ hot, songs }: { hot: number; songs: number }, seed: number, n: number): string {
  if (songs >= 1e9) return `${seed}-${n}`;
  const word = Math.imul(n ^ (seed << 20), 0x9e3779b1) >>> 0;
  return n % 2 === 0 && hot > 0 ? `hot-${word % hot}` : `song-${(word >>> 8) % songs}`;
}

/** A batch of one play for each of 50 songs. */
export const BATCH: ReadonlyMap<string, number> = new Map(
  Array.from({ length: 50 }, (_, n) => [`batch-${n}`, 1]),
);

/**
 * Sends request `n` of a writer: a play of `keyed` or {@linkcode BATCH} in turn; and one of a writer that is
 * new before it.
 */
export function sendKeyed(store: ShardedStore, writer: string, n: number): void {
  store.add("noise", 1, { writer: `${writer}-${n}`, seq: 1 });
  if (n % 2 === 0) store.add("keyed", 1, { writer, seq: n });
  else store.addAll(BATCH, { writer, seq: n });
}

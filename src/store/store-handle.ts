import { settle } from "../config.ts";
import { type HashKey, randomKey } from "../hash.ts";
import type { StoreOptions } from "./count-store.ts";
import { MAX_OWNERS, reserve } from "./memory.ts";

/** Limits of a {@linkcode ShardedStore}, and who uses it. */
export interface ShardedStoreOptions extends StoreOptions {
  /** Memory for songs, in bytes: 2^20 to 2^32, which is what is reserved unless told. It is used as songs come. */
  maxStoreBytes?: number;
  /** How many other threads can {@linkcode ShardedStore.attach} themselves to it: 0 to 254, 0 unless told. */
  threads?: number;
}

/** What another thread needs to {@linkcode ShardedStore.attach} itself to a store; can be sent by `postMessage`. */
export interface StoreHandle {
  readonly buffer: ArrayBufferLike;
  readonly name: string;
  readonly key: HashKey;
  readonly shardBits: number;
  readonly owners: number;
  readonly maxSongs: number;
  readonly maxIdBytes: number;
}

/** Makes an empty store's handle.
 *
 * @throws {RangeError} for a limit that is out of its range.
 */
export function createHandle(options: ShardedStoreOptions): StoreHandle {
  const { threads = 0 } = options;
  if (!(Number.isInteger(threads) && threads >= 0 && threads < MAX_OWNERS)) {
    throw new RangeError(`threads must be a whole number from 0 to ${MAX_OWNERS - 1}, not ${threads}`);
  }
  const maxSongs = settle("maxSongs", options.maxSongs);
  const maxIdBytes = settle("maxIdBytes", options.maxIdBytes);
  return {
    buffer: reserve(settle("maxStoreBytes", options.maxStoreBytes), threads > 0),
    name: crypto.randomUUID(),
    key: randomKey(),
    shardBits: shardBitsFor(maxSongs),
    owners: threads + 1,
    maxSongs,
    maxIdBytes,
  };
}

/** 64 shards at least, for threads to spread over; from a million songs on so many that each has at most 16,384. */
function shardBitsFor(maxSongs: number): number {
  return Math.min(16, Math.max(6, Math.ceil(Math.log2(maxSongs / 16_384))));
}

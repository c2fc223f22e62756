import { completeSettings, type GivenSettings, SETTINGS } from "../../settings/settings.ts";
import { type HashKey, randomKey } from "../../hash.ts";
import type { StoreOptions } from "../count-store.ts";
import { MAX_OWNERS } from "./heap.ts";
import { type GrowingBuffer, reserveBuffer } from "./growing-buffer.ts";
import { LastRequests } from "./last-requests.ts";
import { bytesOfShard } from "./shard-table.ts";

/**
 * Everything that a thread needs to attach itself to a store with `ShardedStore.attach`. Can be sent with
 * `postMessage`.
 */
export interface StoreHandle {
  /** The shared memory of songs and folds. */
  readonly heapBuffer: GrowingBuffer;
  /** The shared memory of writers. */
  readonly requestsBuffer: GrowingBuffer;
  /** The beginning of every `version` of the store. */
  readonly name: string;
  /** The key of all hashes. */
  readonly hashKey: HashKey;
  /** True if the songs of a fold have an order that depends on the key alone. */
  readonly keepsOrder: boolean;
  /** The number of shards is 2^`shardBits`. */
  readonly shardBits: number;
  /** Threads that may use the store, the one that made it included. */
  readonly owners: number;
  /** Maximum number of songs. */
  readonly maxSongs: number;
  /** Longest id, in bytes of UTF-8. */
  readonly maxIdBytes: number;
  /** Maximum number of folds that are not acknowledged. */
  readonly maxFolds: number;
  /** Maximum number of writers whose last request is remembered. */
  readonly maxWriters: number;
}

/** Limits of a {@linkcode ShardedStore}: the settings of the same names, with the same defaults. */
export interface ShardedStoreOptions extends StoreOptions, GivenSettings<"maxStoreBytes"> {
  /** Other threads that can {@linkcode ShardedStore.attach} themselves to the store: 0 to 254. Default: 0. */
  threads?: number | undefined;
}

/**
 * Makes an empty store, and returns its handle. With `key`, folds have the same order in every process that
 * has it. Default: a random key.
 *
 * @throws {RangeError} if an option is out of range, or the system refuses to reserve the memory.
 */
export function createStoreHandle(options: ShardedStoreOptions, key?: HashKey): StoreHandle {
  const { threads = 0 } = options;
  if (!(Number.isInteger(threads) && threads >= 0 && threads < MAX_OWNERS)) {
    throw new RangeError(`threads must be a whole number from 0 to ${MAX_OWNERS - 1}, not ${threads}`);
  }
  const { maxSongs, maxIdBytes, maxFolds, maxWriters, maxStoreBytes } = completeSettings(options);
  // On a small machine the default may be halved; a size that the caller has set may not.
  const { default: preset, min } = SETTINGS.maxStoreBytes;
  const least = maxStoreBytes === preset ? min : maxStoreBytes;
  const heapBuffer = reserveBuffer(maxStoreBytes, least, threads > 0);
  return {
    heapBuffer,
    requestsBuffer: LastRequests.reserve(maxWriters, threads > 0),
    name: crypto.randomUUID(),
    hashKey: key ?? randomKey(),
    keepsOrder: key !== undefined,
    shardBits: shardBitsFor(maxSongs, heapBuffer.maxByteLength / bytesOfShard(maxFolds)),
    owners: threads + 1,
    maxSongs,
    maxIdBytes,
    maxFolds,
    maxWriters,
  };
}

/**
 * Returns how many bits of a hash choose a shard.
 *
 * - At least 64 shards, for threads to spread over, and at most 65,536.
 * - Within that, at most 4,096 songs a shard on average: a reader of all songs holds a copy of one shard.
 * - But the shards without songs take at most an eighth of the memory, which `most` shards would fill.
 */
function shardBitsFor(maxSongs: number, most: number): number {
  const wanted = Math.min(16, Math.max(6, Math.ceil(Math.log2(maxSongs / 4096))));
  return Math.min(wanted, Math.floor(Math.log2(most / 8)));
}

import { SETTINGS, type Settings, checkSetting } from "../../settings/settings.ts";
import { randomKey } from "../../hash.ts";
import type { StoreOptions } from "../count-store.ts";
import { MAX_OWNERS } from "./heap.ts";
import { type GrowingBuffer, reserveBuffer } from "./growing-buffer.ts";
import type { StoreHandle } from "./handle.ts";
import { bytesOfShard } from "./shards.ts";
import { LastRequests } from "./last-requests.ts";

/** Limits of a {@linkcode ShardedStore}: the settings of the same names, with the same defaults. */
export interface ShardedStoreOptions extends StoreOptions, Partial<Pick<Settings, "maxStoreBytes">> {
  /** Number of other threads that can {@linkcode ShardedStore.attach} to the store: 0 to 254. Default: 0. */
  threads?: number;
}

/**
 * Makes an empty store's handle.
 *
 * @throws {RangeError} for a limit that is out of its range.
 */
export function createStoreHandle(options: ShardedStoreOptions): StoreHandle {
  const { threads = 0 } = options;
  if (!(Number.isInteger(threads) && threads >= 0 && threads < MAX_OWNERS)) {
    throw new RangeError(`threads must be a whole number from 0 to ${MAX_OWNERS - 1}, not ${threads}`);
  }
  const [maxSongs, maxFolds] = [
    checkSetting("maxSongs", options.maxSongs),
    checkSetting("maxFolds", options.maxFolds),
  ];
  const maxWriters = checkSetting("maxWriters", options.maxWriters);
  const buffer = reserveFor(options.maxStoreBytes, threads > 0);
  return {
    heap: buffer,
    lastRequests: LastRequests.reserve(maxWriters, threads > 0),
    name: crypto.randomUUID(),
    key: randomKey(),
    shardBits: shardBitsFor(maxSongs, buffer.maxByteLength / bytesOfShard(maxFolds)),
    owners: threads + 1,
    maxSongs,
    maxIdBytes: checkSetting("maxIdBytes", options.maxIdBytes),
    maxFolds,
    maxWriters,
  };
}

/** What is the default may be less on a small machine; what somebody asked for may not. */
function reserveFor(maxStoreBytes: number | undefined, isShared: boolean): GrowingBuffer {
  const { default: preset, min } = SETTINGS.maxStoreBytes;
  const bytes = checkSetting("maxStoreBytes", maxStoreBytes);
  return reserveBuffer(bytes, bytes === preset ? min : bytes, isShared);
}

/**
 * 64 shards at least, for threads to spread over; and so many that each has at most 4,096 songs on average, as whoever
 * reads them all holds a copy of one; up to 65,536 shards. Never so many that what they take without songs is more than an eighth of the memory, of which
 * `most` shards take all.
 */
function shardBitsFor(maxSongs: number, most: number): number {
  const wanted = Math.min(16, Math.max(6, Math.ceil(Math.log2(maxSongs / 4096))));
  return Math.min(wanted, Math.floor(Math.log2(most / 8)));
}

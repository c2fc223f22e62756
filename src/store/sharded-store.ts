import { settle } from "../config.ts";
import { type HashKey, hash, randomKey } from "../hash.ts";
import { type CountStore, type Entry, MAX_COUNT, Refusal } from "./count-store.ts";
import { highest } from "./highest.ts";

/** Limits of a {@linkcode ShardedStore}. */
export interface ShardedStoreOptions {
  /** How many songs there is room for: 0 to 2^40, 10,000,000 unless told. */
  maxSongs?: number;
}

const SHARDS = 64; // a power of two

/**
 * Counts in this process's memory, spread over 64 maps by a hash that is keyed at random.
 *
 * Many small maps rather than one: each step of a walk over all songs is shorter, and so is the pause when a map grows.
 */
export class ShardedStore implements CountStore {
  readonly #key: HashKey = randomKey();
  readonly #name: string = crypto.randomUUID();
  readonly #maxSongs: number;
  #shards: Map<string, number>[] = emptyShards();
  #songs = 0;
  #changes = 0;

  /** @throws {RangeError} for a limit that is out of its range. */
  constructor({ maxSongs }: ShardedStoreOptions = {}) {
    this.#maxSongs = settle("maxSongs", maxSongs);
  }

  get version(): string {
    return `${this.#name}-${this.#changes}`;
  }

  get(id: string): number {
    return this.#shardOf(id).get(id) ?? 0;
  }

  add(id: string, plays: number): number {
    const shard = this.#shardOf(id);
    const known = shard.get(id);
    const before = known ?? 0;
    if (plays === 0) return before;
    if (plays > MAX_COUNT - before) {
      throw new Refusal("overflow", `Adding ${plays} to ${before} would pass ${MAX_COUNT}`);
    }
    if (known === undefined) {
      if (this.#songs >= this.#maxSongs)
        throw new Refusal("full", `There is room for ${this.#maxSongs} songs`);
      this.#songs++;
    }
    const count = before + plays;
    shard.set(id, count);
    this.#changes++;
    return count;
  }

  /** A chunk is a shard as it is when its turn comes: after a clear, an empty one or what was counted since. */
  *entries(): Generator<Iterable<Entry>> {
    // By position, not over the array at hand: after a clear the new shards are read, never the dropped ones.
    for (let at = 0; at < SHARDS; at++) yield this.#shards[at] as Map<string, number>;
  }

  top(n: number): Entry[] {
    return highest(this.#shards, n);
  }

  clear(unless?: (version: string) => boolean): boolean {
    if (unless?.(this.version)) return false;
    this.#shards = emptyShards();
    this.#songs = 0;
    this.#changes++;
    return true;
  }

  #shardOf(id: string): Map<string, number> {
    return this.#shards[hash(id, this.#key) & (SHARDS - 1)] as Map<string, number>;
  }
}

function emptyShards(): Map<string, number>[] {
  return Array.from({ length: SHARDS }, () => new Map<string, number>());
}

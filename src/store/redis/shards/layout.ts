import { hash, type HashKey } from "../../../hash.ts";
import type { Settings } from "../../../settings/settings.ts";
import { slotOf } from "../cluster/slots.ts";

/** Least number of writers that a shard remembers, for requests that are not confirmed yet. */
const WRITERS_A_SHARD = 1024;

/** Layout of the data. It never changes, and is the same for all servers that share the data. */
export interface LayoutData {
  prefix: string;
  /** Number of shards: a power of two. */
  shards: number;
  /** Number of hashes for the last requests of writers: a power of two. */
  writers: number;
  /** Key of the hash that places songs. */
  seed: HashKey;
  /** Unique name of these counts. */
  name: string;
}

/** Maps songs to shards, and shards and writers to keys and slots. Divides the limits among them. */
export class Layout {
  readonly data: LayoutData;
  readonly shards: number;
  /** Number of parts in which the songs of a shard are sorted, so that no step takes long. */
  readonly sortedParts: number = 16;
  /** Key of the state that all shards share, and its slot. */
  readonly control: { slot: number; keys: readonly string[] };
  /** Largest number of songs of a shard. */
  readonly shardSongs: number;
  /** Number of writers that a shard remembers, and largest number of writers of one place. */
  readonly shardWriters: number;
  readonly placeWriters: number;
  readonly #keys: readonly string[];
  readonly #slots: readonly number[];

  constructor(data: LayoutData, { maxSongs, maxWriters }: Settings) {
    const { prefix, shards, writers } = data;
    this.data = data;
    this.shards = shards;
    this.control = controlOf(prefix);
    this.shardSongs = maxShardSongs(maxSongs, shards);
    this.shardWriters = Math.max(WRITERS_A_SHARD, Math.ceil(maxWriters / shards));
    this.placeWriters = Math.ceil(maxWriters / writers);
    this.#keys = Array.from({ length: shards }, (_, shard) => `{${prefix}:${shard}}`);
    this.#slots = this.#keys.map((key) => slotOf(key.slice(1, -1)));
  }

  shardOf(id: string): number {
    return hash(id, this.data.seed) & (this.shards - 1);
  }

  /** Returns the part of its shard that a song is sorted in, below `sortedParts`. */
  sortedPartOf(id: string): number {
    return hash(id, this.data.seed) >>> 28;
  }

  slotOf(shard: number): number {
    return this.#slots[shard] as number;
  }

  keyOf(shard: number): string {
    return this.#keys[shard] as string;
  }

  /** Returns the key of a fold of a shard, of the writers that have added to it, or of a probe. */
  partKeyOf(shard: number, part: number | "adders" | "probe"): string {
    return `${this.#keys[shard]}:${part}`;
  }

  writerKeysOf(writer: string): { slot: number; keys: string[] } {
    const { prefix, seed, writers } = this.data;
    const tag = `${prefix}:writers:${hash(writer, seed) & (writers - 1)}`;
    return { slot: slotOf(tag), keys: [`{${tag}}`, `{${tag}}:recent`] };
  }
}

export function controlOf(prefix: string): Layout["control"] {
  return { slot: slotOf(prefix), keys: [`{${prefix}}`] };
}

/**
 * Returns the largest number of songs of one shard: its share of `maxSongs`, and a margin for the uneven
 * spread of songs: three standard deviations, at least 1 %. A single shard has an exact limit.
 */
export function maxShardSongs(maxSongs: number, shards: number): number {
  const share = Math.ceil(maxSongs / shards);
  return shards === 1 ? share : share + Math.ceil(Math.max(share / 100, 3 * Math.sqrt(share)));
}

import { hash, type HashKey } from "../../../hash.ts";
import { slotOf } from "../cluster/slots.ts";

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

/** Maps songs to shards, and shards and writers to keys and slots. */
export class Layout {
  readonly data: LayoutData;
  readonly shards: number;
  /** Number of parts in which the songs of a shard are sorted, so that no step takes long. */
  readonly sortedParts: number = 16;
  /** Key of the state that all shards share. */
  readonly control: string;
  readonly controlSlot: number;
  readonly #keys: readonly string[];
  readonly #slots: readonly number[];

  constructor(data: LayoutData) {
    const { prefix, shards } = data;
    this.data = data;
    this.shards = shards;
    this.control = `{${prefix}}`;
    this.controlSlot = slotOf(prefix);
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

  foldKeyOf(shard: number, fold: number): string {
    return `${this.#keys[shard]}:${fold}`;
  }

  /** Returns the key of a shard's hash of the writers that have added to it. */
  addersKeyOf(shard: number): string {
    return `${this.#keys[shard]}:adders`;
  }

  probeKeyOf(shard: number): string {
    return `${this.#keys[shard]}:probe`;
  }

  writerKeysOf(writer: string): { slot: number; keys: string[] } {
    const { prefix, seed, writers } = this.data;
    const tag = `${prefix}:writers:${hash(writer, seed) & (writers - 1)}`;
    return { slot: slotOf(tag), keys: [`{${tag}}`, `{${tag}}:recent`] };
  }

  /** Returns how many writers one place may remember, so that all places together remember `maxWriters`. */
  writersAPlace(maxWriters: number): number {
    return Math.ceil(maxWriters / this.data.writers);
  }
}

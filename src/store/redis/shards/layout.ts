import { hash, type HashKey } from "../../../hash.ts";
import { slotOf } from "../cluster/slots.ts";

/** How the data is laid out: the same for all servers that share it, and for ever. */
export interface LayoutData {
  /** What all keys begin with. */
  prefix: string;
  /** How many shards there are: a power of two. */
  shards: number;
  /** In how many places the last requests of writers are: a power of two. */
  writers: number;
  /** What songs are placed by. */
  seed: HashKey;
  /** Says which store this is: that of no other. */
  name: string;
}

/** Where everything is: which shard has a song, and by which keys. */
export class Layout {
  readonly data: LayoutData;
  readonly shards: number;
  /** The key of what is the same for all shards. */
  readonly control: string;
  readonly controlSlot: number;
  /** The key of what says that no head has changed. */
  readonly generation: string;
  readonly #keys: readonly string[];
  readonly #slots: readonly number[];

  constructor(data: LayoutData) {
    const { prefix, shards } = data;
    this.data = data;
    this.shards = shards;
    this.control = `{${prefix}}`;
    this.controlSlot = slotOf(prefix);
    this.generation = `${this.control}:generation`;
    this.#keys = Array.from({ length: shards }, (_, shard) => `{${prefix}:${shard}}`);
    this.#slots = this.#keys.map((key) => slotOf(key.slice(1, -1)));
  }

  /** What is asked for to have it laid out like this, if it is not yet in any way. */
  static request({ shards, writers, seed, name }: Omit<LayoutData, "prefix">): string[] {
    return [String(shards), String(writers), seed.join(":"), name];
  }

  /** Reads how it is laid out. */
  static read(prefix: string, [shards, writers, seed = "", name = ""]: readonly string[]): LayoutData {
    const [low = 0, high = 0] = seed.split(":").map(Number);
    return { prefix, shards: Number(shards), writers: Number(writers), seed: [low, high], name };
  }

  shardOf(id: string): number {
    return hash(id, this.data.seed) & (this.shards - 1);
  }

  slotOf(shard: number): number {
    return this.#slots[shard] as number;
  }

  /** The hash of a shard. */
  keyOf(shard: number): string {
    return this.#keys[shard] as string;
  }

  /** The hash of what a shard has in a sealed fold. */
  foldKeyOf(shard: number, fold: number): string {
    return `${this.#keys[shard]}:${fold}`;
  }

  /** The hash of those who have added to a shard by requests with a key. */
  addersKeyOf(shard: number): string {
    return `${this.#keys[shard]}:adders`;
  }

  /** Where it can be tried whether the server of a shard takes what is written. */
  probeKeyOf(shard: number): string {
    return `${this.#keys[shard]}:probe`;
  }

  /** Where the last request of a writer is. */
  writerKeysOf(writer: string): { slot: number; keys: string[] } {
    const { prefix, seed, writers } = this.data;
    const tag = `${prefix}:writers:${hash(writer, seed) & (writers - 1)}`;
    return { slot: slotOf(tag), keys: [`{${tag}}`, `{${tag}}:recent`, `{${tag}}:large`] };
  }

  /** How many of the writers, in all places together at most `maxWriters`, one place has. */
  writersAPlace(maxWriters: number): number {
    return Math.ceil(maxWriters / this.data.writers);
  }
}

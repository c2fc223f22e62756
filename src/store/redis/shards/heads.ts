import type { Layout } from "./layout.ts";

/** What decides what is done with a shard's songs: see `scripts/shared.ts`. */
export interface Head {
  /** As Redis has it; empty for a shard that never had a song. */
  readonly text: string;
  readonly epoch: number;
  readonly newest: number;
  readonly kept: number;
  readonly dropped: number;
  /** Folds that have a hash in this shard, the oldest first; the first one may be that which is kept. */
  readonly sets: readonly number[];
  /** The shard's hash, and those of its sets. */
  readonly keys: readonly string[];
}

/** Whose doing it is that a shard is frozen; `undefined` if it is not. */
export function frozenBy(head: string): number | undefined {
  const at = head.indexOf("!");
  return at < 0 ? undefined : Number(head.slice(at + 1));
}

/** The heads of all shards, as they were when last heard of. */
export class Heads {
  readonly layout: Layout;
  readonly #heads: Head[];
  /** How often one has turned out to be another one than was known. */
  alterations = 0;

  constructor(layout: Layout) {
    this.layout = layout;
    this.#heads = Array.from({ length: layout.shards }, (_, shard) => this.#read(shard, ""));
  }

  of(shard: number): Head {
    return this.#heads[shard] as Head;
  }

  /** Learns a head as Redis has it: of one that is frozen, what it was and will be again. */
  learn(shard: number, head: string): Head {
    const [text = ""] = head.split("!", 1);
    if (this.of(shard).text !== text) {
      this.#heads[shard] = this.#read(shard, text);
      this.alterations++;
    }
    return this.of(shard);
  }

  /** The keys of the sets that count: without the one that is kept, or with `after` those that are newer than that. */
  countedKeys(shard: number, after?: number): string[] {
    const { sets, keys, kept } = this.of(shard);
    const first = after ?? kept;
    return keys.filter((_, at) => at > 0 && (sets[at - 1] as number) > first);
  }

  #read(shard: number, text: string): Head {
    const [epoch = 0, newest = 0, kept = 0, dropped = 0] = text.split(":", 4).map(Number);
    const sets = text
      .slice(text.lastIndexOf(":") + 1)
      .split(",")
      .filter(Boolean)
      .map(Number);
    const keys = [this.layout.keyOf(shard), ...sets.map((fold) => this.layout.foldKeyOf(shard, fold))];
    return { text, epoch, newest, kept, dropped, sets, keys };
  }
}

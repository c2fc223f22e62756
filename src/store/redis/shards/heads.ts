import type { Layout } from "./layout.ts";

/**
 * The head of a shard: the state that decides how its songs are added and counted. See `scripts/shared.ts`.
 */
export interface Head {
  /** The text in Redis. Empty for a shard that never had a song. */
  readonly text: string;
  readonly epoch: number;
  readonly newest: number;
  readonly kept: number;
  readonly dropped: number;
  /** Folds with a hash in this shard, the oldest first. The first may be the kept fold. */
  readonly sets: readonly number[];
  /** Keys of the shard's hash and of its sets. */
  readonly keys: readonly string[];
}

/** Whose doing it is that a shard is frozen; `undefined` if it is not. */
export function frozenBy(head: string): number | undefined {
  const at = head.indexOf("!");
  return at < 0 ? undefined : Number(head.slice(at + 1));
}

/** The last known heads of all shards. */
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

  /** Returns the keys of the sets that count: those newer than `after`. Default: all except the kept one. */
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

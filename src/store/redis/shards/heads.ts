import type { Layout } from "./layout.ts";

/** The state of a shard that decides how its songs are added and counted. See README.md. */
export interface Head {
  readonly shard: number;
  /** The text in Redis. */
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

/** The head of a shard that never had a song. */
const NO_HEAD = "0:0:0:0:";

/** The last known heads of all shards. */
export class Heads {
  readonly layout: Layout;
  readonly #heads: Head[];
  /** The last clear, and the newest fold since then, as far as this server knows; 0 if none. */
  last: Pick<Head, "epoch" | "newest"> = { epoch: 0, newest: 0 };

  constructor(layout: Layout) {
    this.layout = layout;
    this.#heads = Array.from({ length: layout.shards }, (_, shard) => this.#read(shard, NO_HEAD));
  }

  of(shard: number): Head {
    return this.#heads[shard] as Head;
  }

  learn(shard: number, text: string): Head {
    if (this.of(shard).text !== text) this.learnFold((this.#heads[shard] = this.#read(shard, text)));
    return this.of(shard);
  }

  /** A clear begins an epoch, and forgets all folds. */
  learnFold({ epoch, newest }: Pick<Head, "epoch" | "newest">): void {
    const { last } = this;
    if (epoch > last.epoch || (epoch === last.epoch && newest > last.newest)) this.last = { epoch, newest };
  }

  /** Returns the keys of the sets that count: those newer than `after`. Default: all except the kept one. */
  countedKeys(shard: number, after?: number): string[] {
    const { sets, keys, kept } = this.of(shard);
    const first = after ?? kept;
    return keys.filter((_, at) => at > 0 && (sets[at - 1] as number) > first);
  }

  #read(shard: number, text: string): Head {
    const [epoch = 0, newest = 0, kept = 0, dropped = 0] = text.split(":", 4).map(Number);
    const list = text.slice(text.lastIndexOf(":") + 1).split(",");
    const sets = list.filter(Boolean).map(Number);
    const keys = [this.layout.keyOf(shard), ...sets.map((fold) => this.layout.partKeyOf(shard, fold))];
    return { shard, text, epoch, newest, kept, dropped, sets, keys };
  }
}

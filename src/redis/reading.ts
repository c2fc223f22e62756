import { type Chunk, type Entry, MAX_COUNT } from "../store/count-store.ts";
import { Highest } from "../store/highest.ts";
import { Refusal } from "../store/refusal.ts";
import { failedReading } from "./outcomes.ts";
import type { Redis } from "./redis.ts";
import { SCAN } from "./scripts/scan.ts";

/** About how many songs are read in one step, which is some tenths of a millisecond. */
const STEP = 500;
/** How many shards are read ahead: their first steps are under way while others are given. */
const AHEAD = 32;

/** Which songs of a shard are wanted. */
interface Wanted {
  /** The keys of the sets that count, as far as is known. */
  keys: (shard: number) => string[];
  /** Of the folds up to this one it need not be known what they had; if that has been dropped it cannot be told. */
  after: number;
  /** What a song must have. */
  least: () => number;
}

/** One step: what came of it, or the head that the shard has by now. */
type Step = { cursor: string; entries: Entry[] } | undefined;

/** Reads many songs, shard by shard and some at a time. */
export class Reading {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Each step is read at one instant. A song is given once, and those that are there all the time are all given. */
  entries(after?: number): AsyncGenerator<Chunk> {
    return this.#chunks(this.#counted(after, () => 1));
  }

  /** Read as `entries` is. */
  async top(n: number, after?: number): Promise<Entry[]> {
    const found = new Highest(n);
    for await (const chunk of this.#chunks(this.#counted(after, () => found.bar)))
      for (const entry of chunk) found.offer(entry);
    return found.entries();
  }

  /** A shard of a fold is read to its end, and then given in the order of ids: Redis has none that lasts. */
  async *fold(fold: number): AsyncGenerator<Chunk> {
    const { heads, layout } = this.#redis;
    const keys = (shard: number) =>
      heads.of(shard).sets.includes(fold) ? [layout.foldKeyOf(shard, fold)] : [];
    for await (const shard of this.#shards({ keys, after: fold - 1, least: () => 1 })) {
      const entries: Entry[] = [];
      for await (const chunk of shard) entries.push(...chunk);
      if (entries.length > 0) yield entries.sort(([a], [b]) => (a < b ? -1 : 1));
    }
  }

  #counted(after: number | undefined, least: () => number): Wanted {
    const { heads, layout } = this.#redis;
    const keys = (shard: number) => [...heads.countedKeys(shard, after), layout.keyOf(shard)];
    return { keys, after: after ?? Infinity, least };
  }

  async *#chunks(wanted: Wanted): AsyncGenerator<Chunk> {
    for await (const shard of this.#shards(wanted)) yield* shard;
  }

  /** The chunks of each shard. */
  async *#shards(wanted: Wanted): AsyncGenerator<AsyncGenerator<Entry[]>> {
    const ahead: Promise<Step>[] = [];
    for (let shard = 0, next = 0; shard < this.#redis.layout.shards; shard++) {
      for (; next < Math.min(shard + AHEAD, this.#redis.layout.shards); next++) {
        const first = this.#step(next, wanted, 0, "0");
        first.catch(() => {}); // it is awaited when its turn comes, if it does
        ahead.push(first);
      }
      yield this.#shard(shard, wanted, ahead.shift() as Promise<Step>);
    }
  }

  /** Walks one set of a shard after the other; begins anew if the shard gets another head, and gives no song twice. */
  async *#shard(shard: number, wanted: Wanted, first: Promise<Step>): AsyncGenerator<Entry[]> {
    const given = new Set<string>();
    let step: Step = await first;
    for (let set = 0; ;) {
      const entries = step?.entries.filter(([id]) => given.size < given.add(id).size) ?? [];
      if (entries.length > 0) yield entries;
      if (step === undefined) set = 0;
      else if (step.cursor === "0") set++;
      if (set > 0 && set >= wanted.keys(shard).length) return;
      step = await this.#step(shard, wanted, set, step?.cursor ?? "0");
    }
  }

  async #step(shard: number, wanted: Wanted, set: number, cursor: string): Promise<Step> {
    const { heads, layout } = this.#redis;
    try {
      for (;;) {
        const { text, dropped } = heads.of(shard);
        const keys = wanted.keys(shard);
        const least = Math.min(wanted.least(), MAX_COUNT);
        const args = [text, String(set + 1), cursor, String(STEP), String(least)];
        const reply = await this.#redis.onShard(shard, SCAN, [layout.keyOf(shard), ...keys], args);
        const [next = "", ...rest] = reply as string[];
        if (next !== "h") {
          if (wanted.after < dropped) throw Refusal.dropped(dropped);
          return { cursor: next, entries: entriesOf(rest) };
        }
        heads.learn(shard, rest[0] ?? "");
        if (set > 0 || cursor !== "0") return undefined;
      }
    } catch (error) {
      throw failedReading(error);
    }
  }
}

function entriesOf(words: readonly string[]): Entry[] {
  return Array.from({ length: words.length / 2 }, (_, at) => [
    words[2 * at] as string,
    Number(words[2 * at + 1]),
  ]);
}

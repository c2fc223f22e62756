import { type Chunk, type Entry, MAX_COUNT } from "../../count-store.ts";
import { TopSongs } from "../../top-songs.ts";
import { Refusal } from "../../refusal.ts";
import { Semaphore } from "../../../async.ts";
import type { Head } from "../shards/heads.ts";
import { failedReading } from "../outcomes.ts";
import type { Redis } from "../redis.ts";
import { SCAN } from "../scripts/scan.ts";

/** Approximate number of songs of one step, which takes a few tenths of a millisecond. */
const STEP = 250;
/** Number of shards that are read ahead. */
const AHEAD = 8;
/** Number of steps under way at a time, of all lists: plays queue after them. */
const MOST_STEPS = 4;

/** The songs of a shard to list. */
interface Selection {
  /** Returns the keys of the sets that count, by the head that is known. */
  keys: (shard: number) => string[];
  /** Throws if the sets that count were dropped. */
  check: (head: Head) => void;
  /** Returns the least count to list. */
  least: () => number;
}

/** The result of one step; `undefined` if the head of the shard has changed. */
type Step = { cursor: string; entries: Entry[] } | undefined;

/** Lists songs, shard by shard and in short steps. */
export class RedisListing {
  readonly #redis: Redis;
  readonly #steps = new Semaphore(MOST_STEPS);

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Reads each step at one instant. Yields a song once, and every song that exists during the whole walk. */
  entries(after?: number): AsyncGenerator<Chunk> {
    return this.#chunks(this.#counted(after, () => 1));
  }

  /** Returns the `n` highest, read as by `entries`. */
  async top(n: number, after?: number): Promise<Entry[]> {
    const found = new TopSongs(n);
    for await (const chunk of this.#chunks(this.#counted(after, () => found.bar)))
      for (const entry of chunk) found.offer(entry);
    return found.entries();
  }

  /** Lists a fold of an epoch. Sorts each shard by id, because the order of a Redis hash can change. */
  async *fold(fold: number, epoch: number): AsyncGenerator<Chunk> {
    const { heads, layout } = this.#redis;
    const keys = (shard: number) =>
      heads.of(shard).sets.includes(fold) ? [layout.foldKeyOf(shard, fold)] : [];
    const check = (head: Head) => {
      if (head.epoch > epoch) throw Refusal.unknownFold(fold); // cleared meanwhile
      if (fold <= head.dropped) throw Refusal.dropped(head.dropped);
    };
    for await (const shard of this.#shards({ keys, check, least: () => 1 })) {
      const entries: Entry[] = [];
      for await (const chunk of shard) entries.push(...chunk);
      if (entries.length > 0) yield entries.sort(([a], [b]) => (a < b ? -1 : 1));
    }
  }

  #counted(after: number | undefined, least: () => number): Selection {
    const { heads, layout } = this.#redis;
    const keys = (shard: number) => [...heads.countedKeys(shard, after), layout.keyOf(shard)];
    const check = ({ dropped }: Head) => {
      if (after !== undefined && after < dropped) throw Refusal.dropped(dropped);
    };
    return { keys, check, least };
  }

  async *#chunks(selection: Selection): AsyncGenerator<Chunk> {
    for await (const shard of this.#shards(selection)) yield* shard;
  }

  /** Yields the chunks of each shard. */
  async *#shards(selection: Selection): AsyncGenerator<AsyncGenerator<Entry[]>> {
    const ahead: Promise<Step>[] = [];
    for (let shard = 0, next = 0; shard < this.#redis.layout.shards; shard++) {
      for (; next < Math.min(shard + AHEAD, this.#redis.layout.shards); next++) {
        const first = this.#step(next, selection, 0, "0");
        first.catch(() => {}); // awaited later, unless the caller stops earlier
        ahead.push(first);
      }
      yield this.#shard(shard, selection, ahead.shift() as Promise<Step>);
    }
  }

  /**
   * Walks the sets of a shard in turn, from the first again if the head has changed. Yields no song twice.
   */
  async *#shard(shard: number, selection: Selection, first: Promise<Step>): AsyncGenerator<Entry[]> {
    const given = new Set<string>();
    let step: Step = await first;
    for (let set = 0; ;) {
      const entries = step?.entries.filter(([id]) => given.size < given.add(id).size) ?? [];
      if (entries.length > 0) yield entries;
      if (step === undefined) set = 0;
      else if (step.cursor === "0") set++;
      if (set > 0 && set >= selection.keys(shard).length) return;
      step = await this.#step(shard, selection, set, step?.cursor ?? "0");
    }
  }

  async #step(shard: number, selection: Selection, set: number, cursor: string): Promise<Step> {
    const { heads, layout } = this.#redis;
    try {
      for (;;) {
        const { text } = heads.of(shard);
        const keys = selection.keys(shard);
        const least = Math.min(selection.least(), MAX_COUNT);
        const args = [text, String(set + 1), cursor, String(STEP), String(least)];
        const all = [layout.keyOf(shard), ...keys];
        const reply = await this.#steps.run(1, () => this.#redis.onShard(shard, SCAN, all, args));
        const [next = "", ...rest] = reply as string[];
        if (next !== "h") {
          selection.check(heads.of(shard));
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

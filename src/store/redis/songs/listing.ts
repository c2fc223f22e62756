import { type Chunk, type Entry, MAX_COUNT } from "../../count-store.ts";
import { TopSongs } from "../../top-songs.ts";
import { Refusal } from "../../refusal.ts";
import { Semaphore } from "../../../async.ts";
import type { Head } from "../shards/heads.ts";
import { failedReading } from "../outcomes.ts";
import type { Redis } from "../redis.ts";
import { SCAN } from "../scripts/scan.ts";

/** About how many songs are read in one step, which is some tenths of a millisecond. */
const STEP = 250;
/** How many shards are read ahead: their first steps are under way while others are given. */
const AHEAD = 8;
/** How many steps are under way at a time, of all lists: plays wait behind them. */
const MOST_STEPS = 4;

/** Which songs of a shard are wanted. */
interface Wanted {
  /** The keys of the sets that count, as far as is known. */
  keys: (shard: number) => string[];
  /** Throws if it cannot be told any more. */
  check: (head: Head) => void;
  /** What a song must have. */
  least: () => number;
}

/** One step: what came of it, or the head that the shard has by now. */
type Step = { cursor: string; entries: Entry[] } | undefined;

/** Reads many songs, shard by shard and some at a time. */
export class RedisListing {
  readonly #redis: Redis;
  readonly #gate = new Semaphore(MOST_STEPS);

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Each step is read at one instant. A song is given once, and those that are there all the time are all given. */
  entries(after?: number): AsyncGenerator<Chunk> {
    return this.#chunks(this.#counted(after, () => 1));
  }

  /** Read as `entries` is. */
  async top(n: number, after?: number): Promise<Entry[]> {
    const found = new TopSongs(n);
    for await (const chunk of this.#chunks(this.#counted(after, () => found.bar)))
      for (const entry of chunk) found.offer(entry);
    return found.entries();
  }

  /** What is in a fold of an epoch. A shard is read to its end, and then given in the order of ids: Redis has none that lasts. */
  async *fold(fold: number, epoch: number): AsyncGenerator<Chunk> {
    const { heads, layout } = this.#redis;
    const keys = (shard: number) =>
      heads.of(shard).sets.includes(fold) ? [layout.foldKeyOf(shard, fold)] : [];
    const check = (head: Head) => {
      if (head.epoch > epoch) throw Refusal.unknownFold(fold); // all was cleared meanwhile
      if (fold <= head.dropped) throw Refusal.dropped(head.dropped);
    };
    for await (const shard of this.#shards({ keys, check, least: () => 1 })) {
      const entries: Entry[] = [];
      for await (const chunk of shard) entries.push(...chunk);
      if (entries.length > 0) yield entries.sort(([a], [b]) => (a < b ? -1 : 1));
    }
  }

  #counted(after: number | undefined, least: () => number): Wanted {
    const { heads, layout } = this.#redis;
    const keys = (shard: number) => [...heads.countedKeys(shard, after), layout.keyOf(shard)];
    const check = ({ dropped }: Head) => {
      if (after !== undefined && after < dropped) throw Refusal.dropped(dropped);
    };
    return { keys, check, least };
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
        const { text } = heads.of(shard);
        const keys = wanted.keys(shard);
        const least = Math.min(wanted.least(), MAX_COUNT);
        const args = [text, String(set + 1), cursor, String(STEP), String(least)];
        const all = [layout.keyOf(shard), ...keys];
        const reply = await this.#gate.pass(1, () => this.#redis.onShard(shard, SCAN, all, args));
        const [next = "", ...rest] = reply as string[];
        if (next !== "h") {
          wanted.check(heads.of(shard));
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

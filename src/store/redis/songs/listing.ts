import { KeyedMap } from "../../../keyed-map.ts";
import { type Chunk, type Entry, MAX_COUNT } from "../../count-store.ts";
import { TopSongs } from "../../top-songs.ts";
import { Refusal } from "../../refusal.ts";
import { Semaphore } from "../../../async/concurrency.ts";
import type { Head } from "../shards/heads.ts";
import { failedReading, mapFailure } from "../outcomes.ts";
import type { Redis } from "../redis.ts";
import { decodeScan, SCAN, type ScanReply } from "../scripts/scan.ts";

/** Approximate number of songs of one step, which takes a few tenths of a millisecond. */
const STEP = 250;
/** Number of shards whose first step is read ahead. */
const AHEAD = 8;
/** Number of steps under way at a time, of all lists: plays queue after them. */
const MOST_STEPS = 2;

/** The songs of a shard to list. */
interface Selection {
  /** Returns the keys of the sets that count, by the head that is known. */
  keys: (shard: number) => string[];
  /** Throws if the sets that count were dropped. */
  check: (head: Head) => void;
  /** Returns the least count to list. */
  least: () => number;
}

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

  /** Lists a fold of an epoch. Sorts parts of shards, because the order of a Redis hash can change. */
  async *fold(fold: number, epoch: number): AsyncGenerator<Chunk> {
    const { heads, layout } = this.#redis;
    const keys = (shard: number) =>
      heads.of(shard).sets.includes(fold) ? [layout.partKeyOf(shard, fold)] : [];
    const check = (head: Head) => {
      if (head.epoch > epoch) throw Refusal.unknownFold(fold); // cleared meanwhile
      if (fold <= head.dropped) throw Refusal.dropped(head.dropped);
    };
    for await (const shard of this.#shards({ keys, check, least: () => 1 })) {
      const parts = Array.from({ length: layout.sortedParts }, (): Entry[] => []);
      for await (const chunk of shard)
        for (const entry of chunk) parts[layout.sortedPartOf(entry[0])]?.push(entry);
      for (const part of parts) if (part.length > 0) yield part.sort(([a], [b]) => (a < b ? -1 : 1));
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

  async *#shards(selection: Selection): AsyncGenerator<AsyncGenerator<Entry[]>> {
    const ahead: Promise<ScanReply>[] = [];
    const { shards } = this.#redis.layout;
    for (let shard = 0; shard < shards; shard++) {
      while (ahead.length < AHEAD && shard + ahead.length < shards) {
        const first = this.#step(shard + ahead.length, selection, 0, "0");
        first.catch(() => {}); // awaited later, unless the caller stops earlier
        ahead.push(first);
      }
      yield this.#shard(shard, selection, ahead.shift() as Promise<ScanReply>);
    }
  }

  /** Walks the sets of a shard, from the first again if the head has changed. Yields no song twice. */
  async *#shard(shard: number, selection: Selection, first: Promise<ScanReply>): AsyncGenerator<Entry[]> {
    const listed = new KeyedMap<true>();
    let next = first;
    for (let walked = 0; ;) {
      const reply = await next;
      let cursor = "0";
      if (reply.kind === "head") {
        this.#redis.heads.learn(shard, reply.head);
        walked = 0;
      } else {
        const entries = reply.entries.filter(([id]) => {
          const { size } = listed;
          listed.set(id, true);
          return listed.size > size;
        });
        if (entries.length > 0) yield entries;
        cursor = reply.cursor;
        if (cursor === "0" && ++walked >= selection.keys(shard).length) return;
      }
      next = this.#step(shard, selection, walked, cursor);
    }
  }

  async #step(shard: number, selection: Selection, walked: number, cursor: string): Promise<ScanReply> {
    const { heads, layout } = this.#redis;
    const head = heads.of(shard);
    const least = Math.min(selection.least(), MAX_COUNT);
    const keys = [layout.keyOf(shard), ...selection.keys(shard)];
    const request = { head: head.text, walked: walked + 1, cursor, count: STEP, least };
    const step = this.#steps.run(1, () => this.#redis.onShard(shard, SCAN, { keys, verb: "scan", request }));
    const reply = decodeScan(await mapFailure(step, failedReading));
    if (reply.kind === "songs") selection.check(head);
    return reply;
  }
}

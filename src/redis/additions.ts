import { type Addition, MAX_COUNT } from "../store/count-store.ts";
import { Refusal } from "../store/refusal.ts";
import type { Head } from "./heads.ts";
import { type Item, Lane, type Question } from "./lane.ts";
import { failedChange, failedReading, unreachable } from "./outcomes.ts";
import type { Redis } from "./redis.ts";
import type { Room } from "./room.ts";
import { ADD } from "./scripts/add.ts";
import { GET } from "./scripts/get.ts";

/** Adds to songs and asks for their counts, one by one: what is asked side by side goes together. */
export class Additions {
  readonly #redis: Redis;
  readonly #room: Room;
  readonly #adding = new Map<number, Lane<Addition>>();
  readonly #asking = new Map<number, Lane<Addition>>();
  readonly #log: (line: string) => void;

  constructor(redis: Redis, room: Room, log: (line: string) => void) {
    this.#redis = redis;
    this.#room = room;
    this.#log = log;
  }

  /** Adds `plays`, 1 or more. */
  add(id: string, plays: number): Promise<Addition> {
    return this.#push(this.#adding, this.#addition, id, plays);
  }

  /** The count of a song, without folds up to `after`. */
  get(id: string, after?: number): Promise<Addition> {
    return this.#push(this.#asking, this.#asked, id, after ?? -1);
  }

  #push(
    lanes: Map<number, Lane<Addition>>,
    question: Question<Addition>,
    id: string,
    argument: number,
  ): Promise<Addition> {
    return new Promise((resolve, reject) => {
      const shard = this.#redis.layout.shardOf(id);
      const item: Item<Addition> = { shard, id, argument, resolve, reject, tries: 0 };
      this.#laneOf(lanes, question, shard).push(item);
    });
  }

  #laneOf(lanes: Map<number, Lane<Addition>>, question: Question<Addition>, shard: number): Lane<Addition> {
    const group = this.#redis.groupOf(shard);
    const known = lanes.get(group);
    if (known !== undefined) return known;
    const lane = new Lane(this.#redis, question);
    lanes.set(group, lane);
    return lane;
  }

  readonly #addition: Question<Addition> = {
    script: ADD,
    keys: ({ shard }) => this.#redis.heads.of(shard).keys,
    argument: ({ argument }) => String(argument),
    settle: (item, word, head) => this.#settleAddition(item, word, head),
    failed: failedChange,
  };

  readonly #asked: Question<Addition> = {
    script: GET,
    keys: ({ shard, argument: after }) => {
      const { keys, dropped } = this.#redis.heads.of(shard);
      if (after >= 0 && after < dropped) throw Refusal.dropped(dropped);
      const counted = this.#redis.heads.countedKeys(shard, after < 0 ? undefined : after);
      return [keys[0] as string, ...counted];
    },
    argument: (_, keys) => String(keys - 1),
    settle: (item, word, head) => this.#settle(item, word, head),
    failed: failedReading,
  };

  #settleAddition(item: Item<Addition>, word: string, head: Head): void {
    const { shard, argument: plays, reject } = item;
    if (word.startsWith("o")) reject(Refusal.overflow(Number(word.slice(1)), plays));
    else if (word.startsWith("r")) {
      const again = () => this.#laneOf(this.#adding, this.#addition, shard).push(item);
      const granted = Number(word.slice(1));
      this.#room.ask({ shard, epoch: head.epoch, granted, more: 1, altogether: 1 }).then(again, reject);
    } else this.#settle(item, word, head);
  }

  #settle({ shard, resolve, reject }: Item<Addition>, word: string, head: Head): void {
    const count = Number(word);
    if (word !== "" && count <= MAX_COUNT) return resolve({ count, fold: head.newest });
    this.#log(`${this.#redis.layout.keyOf(shard)} cannot be used: ${word.slice(1)}`);
    reject(unreachable());
  }
}

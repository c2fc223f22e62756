import { type Addition, MAX_COUNT } from "../store/count-store.ts";
import { Refusal } from "../store/refusal.ts";
import type { Head } from "./heads.ts";
import { Item, Lane, type Question } from "./lane.ts";
import { failedChange, failedReading, unreachable } from "./outcomes.ts";
import type { Redis } from "./redis.ts";
import type { Room } from "./room.ts";
import { ADD } from "./scripts/add.ts";
import { GET } from "./scripts/get.ts";
import type { Waiting } from "./waiting.ts";

/** By the group of the shards. */
type Lanes = Map<number, Lane<Addition>>;

/** Adds to songs and asks for their counts, one by one: what is asked side by side goes together. */
export class Additions {
  /** How many plays were added. */
  plays = 0;
  readonly #redis: Redis;
  readonly #room: Room;
  readonly #adding: Lanes = new Map();
  readonly #asking: Lanes = new Map();
  readonly #log: (line: string) => void;
  readonly #waiting: Waiting;

  constructor(redis: Redis, room: Room, waiting: Waiting, log: (line: string) => void) {
    this.#redis = redis;
    this.#waiting = waiting;
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

  #push(lanes: Lanes, question: Question<Addition>, id: string, argument: number): Promise<Addition> {
    this.#waiting.enter(1);
    const shard = this.#redis.layout.shardOf(id);
    return new Promise((resolve, reject) => {
      const item = new Item({ shard, id, argument, waiting: this.#waiting }, resolve, reject);
      this.#laneOf(lanes, question, shard).push(item);
    });
  }

  #laneOf(lanes: Lanes, question: Question<Addition>, shard: number): Lane<Addition> {
    const group = this.#redis.groupOf(shard);
    const known = lanes.get(group);
    if (known !== undefined) return known;
    const lane = new Lane(this.#redis, question);
    lanes.set(group, lane);
    return lane;
  }

  readonly #addition: Question<Addition> = {
    script: ADD,
    prepare: ({ argument }, head, keys) => {
      for (const key of head.keys) keys.push(key);
      return String(argument);
    },
    settle: (item, word, head) => this.#settleAddition(item, word, head),
    failed: failedChange,
  };

  readonly #asked: Question<Addition> = {
    script: GET,
    prepare: ({ shard, argument: after }, head, keys) => {
      const counted = this.#redis.heads.countedKeys(shard, after < 0 ? undefined : after);
      keys.push(head.keys[0] as string, ...counted);
      return String(counted.length);
    },
    settle: (item, word, head) => {
      if (item.argument >= 0 && item.argument < head.dropped) item.reject(Refusal.dropped(head.dropped));
      else this.#settle(item, word, head);
    },
    failed: failedReading,
  };

  #settleAddition(item: Item<Addition>, word: string, head: Head): void {
    const { shard, argument: plays } = item;
    if (word.startsWith("o")) item.reject(Refusal.overflow(Number(word.slice(1)), plays));
    else if (word.startsWith("r")) {
      const again = () => this.#laneOf(this.#adding, this.#addition, shard).again(item);
      const granted = Number(word.slice(1));
      this.#room
        .ask({ shard, epoch: head.epoch, songs: 1, left: 0, granted })
        .then(again, (error) => item.reject(error));
    } else if (this.#settle(item, word, head)) this.plays += plays;
  }

  /** Gives whether it could be done. */
  #settle(item: Item<Addition>, word: string, head: Head): boolean {
    const count = Number(word);
    if (word !== "" && count <= MAX_COUNT) {
      item.resolve({ count, fold: head.newest });
      return true;
    }
    this.#log(`${this.#redis.layout.keyOf(item.shard)} cannot be used: ${word.slice(1)}`);
    item.reject(unreachable());
    return false;
  }
}

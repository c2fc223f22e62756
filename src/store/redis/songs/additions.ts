import { type Addition, MAX_COUNT } from "../../count-store.ts";
import { Refusal } from "../../refusal.ts";
import { type PendingSong, PendingCall } from "./pending-add.ts";
import type { Frozen } from "../control/frozen.ts";
import type { Generation } from "../shards/generation.ts";
import type { Head } from "../shards/heads.ts";
import { ScriptQueue, type ScriptCall } from "./script-queue.ts";
import { failedChange, failedReading, unreachable } from "../outcomes.ts";
import type { PlayCounter } from "../play-counter.ts";
import type { Redis } from "../redis.ts";
import type { SongQuota } from "../shards/song-quota.ts";
import { ADD } from "../scripts/add.ts";
import { GET } from "../scripts/get.ts";
import type { AdmissionLimit } from "../limits.ts";

/** By the group of the shards. */
type Lanes = Map<number, ScriptQueue<Addition>>;

/** What additions are made with. */
export interface AdditionsParts {
  redis: Redis;
  generation: Generation;
  room: SongQuota;
  frozen: Frozen;
  waiting: AdmissionLimit;
  /** Told of all that are made. */
  plays: PlayCounter;
}

/** Adds to songs and asks for their counts, one by one: what is asked side by side goes together. */
export class Additions {
  readonly #redis: Redis;
  readonly #generation: Generation;
  readonly #room: SongQuota;
  readonly #frozen: Frozen;
  readonly #plays: PlayCounter;
  readonly #adding: Lanes = new Map();
  readonly #asking: Lanes = new Map();
  readonly #log: (line: string) => void;
  readonly #waiting: AdmissionLimit;

  constructor(
    { redis, generation, room, frozen, waiting, plays }: AdditionsParts,
    log: (line: string) => void,
  ) {
    this.#redis = redis;
    this.#generation = generation;
    this.#frozen = frozen;
    this.#plays = plays;
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

  #push(lanes: Lanes, question: ScriptCall<Addition>, id: string, argument: number): Promise<Addition> {
    this.#waiting.enter(1);
    const shard = this.#redis.layout.shardOf(id);
    return new Promise((resolve, reject) => {
      const item = new PendingCall({ shard, id, argument, waiting: this.#waiting }, resolve, reject);
      this.#laneOf(lanes, question, shard).push(item);
    });
  }

  #laneOf(lanes: Lanes, question: ScriptCall<Addition>, shard: number): ScriptQueue<Addition> {
    const group = this.#redis.groupOf(shard);
    const known = lanes.get(group);
    if (known !== undefined) return known;
    const lane = new ScriptQueue(
      { redis: this.#redis, generation: this.#generation, frozen: this.#frozen },
      question,
    );
    lanes.set(group, lane);
    return lane;
  }

  readonly #addition: ScriptCall<Addition> = {
    script: ADD,
    together: (one, other) => (one + other <= MAX_COUNT ? one + other : undefined),
    prepare: ({ argument }, head, keys) => {
      for (const key of head.keys) keys.push(key);
      return String(argument);
    },
    settle: (song, word, head) => this.#settleAddition(song, word, head),
    failed: failedChange,
  };

  readonly #asked: ScriptCall<Addition> = {
    script: GET,
    together: (one, other) => (one === other ? one : undefined),
    prepare: ({ shard, argument: after }, head, keys) => {
      const counted = this.#redis.heads.countedKeys(shard, after < 0 ? undefined : after);
      keys.push(head.keys[0] as string, ...counted);
      return String(counted.length);
    },
    settle: ({ shard, argument: after, items }, word, head) => {
      const count = this.#countOf(shard, word);
      const isDropped = after >= 0 && after < head.dropped;
      for (const item of items) {
        if (isDropped) item.reject(Refusal.dropped(head.dropped));
        else if (count === undefined) item.reject(unreachable());
        else item.resolve({ count, fold: head.newest });
      }
    },
    failed: failedReading,
  };

  #settleAddition({ shard, items }: PendingSong<Addition>, word: string, head: Head): void {
    const number = Number(word.slice(1));
    if (word.startsWith("o")) return this.#overflow(items, number);
    if (word.startsWith("r")) {
      const lane = this.#laneOf(this.#adding, this.#addition, shard);
      const need = { shard, epoch: head.epoch, songs: 1, left: 0, granted: number };
      this.#room.ask(need).then(
        () => items.forEach((item) => lane.again(item)),
        (error) => items.forEach((item) => item.reject(error)),
      );
      return;
    }
    let count = this.#countOf(shard, word);
    for (const item of items.toReversed()) {
      if (count === undefined) item.reject(unreachable());
      else {
        item.resolve({ count, fold: head.newest });
        count -= item.argument;
        this.#plays.add(item.argument);
      }
    }
  }

  /** Of several that are too many together, some may be added. */
  #overflow(items: readonly PendingCall<Addition>[], count: number): void {
    const [first] = items as [PendingCall<Addition>];
    if (items.length === 1) return first.reject(Refusal.overflow(count, first.argument));
    for (const item of items) {
      item.isAlone = true;
      this.#laneOf(this.#adding, this.#addition, item.shard).again(item);
    }
  }

  /** `undefined` if Redis could not tell. */
  #countOf(shard: number, word: string): number | undefined {
    const count = Number(word);
    if (word !== "" && count <= MAX_COUNT) return count;
    this.#log(`${this.#redis.layout.keyOf(shard)} cannot be used: ${word.slice(1)}`);
    return undefined;
  }
}

import type { Head } from "./heads.ts";
import type { Redis } from "./redis.ts";
import type { Script } from "./scripts/script.ts";
import type { Waiting } from "./waiting.ts";

/** Most songs of one script: some tenths of a millisecond, for which all others wait. */
const MOST = 256;

/** How often a song is tried again because its shard has another head by now, which changes with each fold, or no room. */
const MOST_TRIES = 100;

/** A group of so many is one of many that come at once, for which it is worth waiting a little. */
const MANY = 8;

/** How many turns of the event loop that is: so many that most have come, which is less than Redis takes for them. */
const TURNS = 3;

/** One song that something is asked of. */
export class Item<T> {
  readonly shard: number;
  readonly id: string;
  readonly argument: number;
  /** What was known of its shard when it was asked. */
  head: Head | undefined;
  tries = 0;
  readonly #waiting: Waiting;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: unknown) => void;

  constructor(
    song: { shard: number; id: string; argument: number; waiting: Waiting },
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    this.shard = song.shard;
    this.id = song.id;
    this.argument = song.argument;
    this.#waiting = song.waiting;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  resolve(value: T): void {
    this.#waiting.leave(1);
    this.#resolve(value);
  }

  reject(error: unknown): void {
    this.#waiting.leave(1);
    this.#reject(error);
  }
}

/** What is asked of songs, one by one: the script, the keys of a song's shard that it needs, and how it answers. */
export interface Question<T> {
  readonly script: Script;
  /** Puts the keys of a song there; gives the argument of the script. */
  prepare: (item: Item<T>, head: Head, keys: string[]) => string;
  /** Settles an item by what Redis said of it, but for that its shard has another head. */
  settle: (item: Item<T>, word: string, head: Head) => void;
  /** What it means if the script as a whole failed. */
  failed: (error: unknown) => unknown;
}

/**
 * Songs whose shards can be in one script, on their way there: whatever has come while one script was under way is in the
 * next one. So one that comes alone waits for nobody, and of many the cost is shared.
 */
export class Lane<T> {
  readonly #redis: Redis;
  readonly #question: Question<T>;
  #queue: Item<T>[] = [];
  #isUnderWay = false;

  constructor(redis: Redis, question: Question<T>) {
    this.#redis = redis;
    this.#question = question;
  }

  push(item: Item<T>): void {
    this.#queue.push(item);
    if (!this.#isUnderWay) void this.#run();
  }

  /** Has something asked again, but not for ever. */
  again(item: Item<T>): void {
    if (++item.tries > MOST_TRIES) item.reject(new Error("A shard has another head, or no room, each time"));
    else this.push(item);
  }

  async #run(): Promise<void> {
    this.#isUnderWay = true;
    while (this.#queue.length > 0) {
      const items = this.#queue.length <= MOST ? this.#queue : this.#queue.slice(0, MOST);
      this.#queue = this.#queue.length <= MOST ? [] : this.#queue.slice(MOST);
      await this.#ask(items);
      if (items.length < MANY) continue;
      for (let turn = 0; turn < TURNS; turn++) await new Promise(setImmediate);
    }
    this.#isUnderWay = false;
  }

  async #ask(items: Item<T>[]): Promise<void> {
    const { heads } = this.#redis;
    const keys: string[] = [];
    const args: string[] = [];
    for (const item of items) {
      item.head = heads.of(item.shard);
      args.push(item.head.text, item.id, this.#question.prepare(item, item.head, keys));
    }
    const { shard } = items[0] as Item<T>;
    try {
      const reply = await this.#redis.onShard(shard, this.#question.script, keys, args);
      const words = (reply as string).split(" ");
      for (let at = 0; at < items.length; at++) this.#settle(items[at] as Item<T>, words[at] ?? "");
    } catch (error) {
      const meant = this.#question.failed(error);
      for (const item of items) item.reject(meant);
    }
  }

  #settle(item: Item<T>, word: string): void {
    if (!word.startsWith("h")) return this.#question.settle(item, word, item.head as Head);
    this.#redis.heads.learn(item.shard, word.slice(1));
    this.again(item);
  }
}

import type { Head } from "./heads.ts";
import type { Redis } from "./redis.ts";
import type { Script } from "./scripts/script.ts";

/** Most songs of one script: some tenths of a millisecond, for which all others wait. */
const MOST = 256;

/** How often a song is tried again because its shard has another head by now: it changes with each fold, and not else. */
const MOST_TRIES = 100;

/** One song that something is asked of. */
export interface Item<T> {
  readonly shard: number;
  readonly id: string;
  readonly argument: number;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
  tries: number;
}

/** What is asked of songs, one by one: the script, the keys of a song's shard that it needs, and how it answers. */
export interface Question<T> {
  readonly script: Script;
  /** Throws if it cannot be asked at all, as the shard is now. */
  keys: (item: Item<T>) => readonly string[];
  argument: (item: Item<T>, keys: number) => string;
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

  async #run(): Promise<void> {
    this.#isUnderWay = true;
    while (this.#queue.length > 0) {
      const items = this.#queue.length <= MOST ? this.#queue : this.#queue.slice(0, MOST);
      this.#queue = this.#queue.length <= MOST ? [] : this.#queue.slice(MOST);
      await this.#ask(items);
    }
    this.#isUnderWay = false;
  }

  async #ask(items: Item<T>[]): Promise<void> {
    const { heads } = this.#redis;
    const asked: { item: Item<T>; head: Head }[] = [];
    const [keys, args]: [string[], string[]] = [[], []];
    for (const item of items) {
      const head = heads.of(item.shard);
      try {
        const needed = this.#question.keys(item);
        keys.push(...needed);
        args.push(head.text, item.id, this.#question.argument(item, needed.length));
        asked.push({ item, head });
      } catch (error) {
        item.reject(error);
      }
    }
    const [first] = asked;
    if (first === undefined) return;
    try {
      const reply = await this.#redis.onShard(first.item.shard, this.#question.script, keys, args);
      const words = (reply as string).split(" ");
      for (const [at, { item, head }] of asked.entries()) this.#settle(item, words[at] ?? "", head);
    } catch (error) {
      const meant = this.#question.failed(error);
      for (const { item } of asked) item.reject(meant);
    }
  }

  #settle(item: Item<T>, word: string, head: Head): void {
    if (!word.startsWith("h")) return this.#question.settle(item, word, head);
    this.#redis.heads.learn(item.shard, word.slice(1));
    if (++item.tries > MOST_TRIES) item.reject(new Error("A shard has another head each time"));
    else this.#queue.push(item);
  }
}

import { type PendingSong, gather, type PendingCall } from "./pending-add.ts";
import type { Frozen } from "../control/frozen.ts";
import type { Generation } from "../shards/generation.ts";
import { frozenBy, type Head } from "../shards/heads.ts";
import { failedReading, unreachable } from "../outcomes.ts";
import type { Redis } from "../redis.ts";
import type { Script } from "../scripts/script.ts";

/** Most songs of one script: some tenths of a millisecond, for which all others wait. */
const MOST = 256;

/** How often something is tried again because the shard has another head by now, which changes with each fold, or no room. */
const MOST_TRIES = 100;

/** A group of so many is one of many that come at once, for which it is worth waiting a little. */
const MANY = 8;

/** How many turns of the event loop that is: so many that most have come, which is less than Redis takes for them. */
const TURNS = 3;

/** What is asked of songs: by which script, and what becomes of its answer. */
export interface ScriptCall<T> {
  readonly script: Script;
  /** The argument of two that are asked together, if they can be. */
  together: (one: number, other: number) => number | undefined;
  /** Puts the keys of a song there; gives the argument of the script. */
  prepare: (song: PendingSong<T>, head: Head, keys: string[]) => string;
  /** Settles the items of a song by what Redis said of it, but for that its shard has another head. */
  settle: (song: PendingSong<T>, word: string, head: Head) => void;
  /** What it means if the script as a whole failed. */
  failed: (error: unknown) => unknown;
}

/**
 * Songs whose shards can be in one script, on their way there: whatever has come while one script was under way is in the
 * next one. So one that comes alone waits for nobody, and of many the cost is shared.
 */
export class ScriptQueue<T> {
  readonly #redis: Redis;
  readonly #generation: Generation;
  readonly #frozen: Frozen;
  readonly #question: ScriptCall<T>;
  #queue: PendingCall<T>[] = [];
  #isUnderWay = false;

  constructor(
    { redis, generation, frozen }: { redis: Redis; generation: Generation; frozen: Frozen },
    question: ScriptCall<T>,
  ) {
    this.#redis = redis;
    this.#generation = generation;
    this.#frozen = frozen;
    this.#question = question;
  }

  push(item: PendingCall<T>): void {
    this.#queue.push(item);
    if (!this.#isUnderWay) void this.#run();
  }

  /** Has something asked again, but not for ever. */
  again(item: PendingCall<T>): void {
    if (++item.tries > MOST_TRIES) item.reject(unreachable());
    else this.push(item);
  }

  async #run(): Promise<void> {
    this.#isUnderWay = true;
    try {
      while (this.#queue.length > 0) {
        const items = this.#queue.length <= MOST ? this.#queue : this.#queue.slice(0, MOST);
        this.#queue = this.#queue.length <= MOST ? [] : this.#queue.slice(MOST);
        await this.#ask(gather(items, this.#question.together));
        if (items.length < MANY) continue;
        for (let turn = 0; turn < TURNS; turn++) await new Promise(setImmediate);
      }
    } finally {
      this.#isUnderWay = false; // whatever happens, those who come later are asked
    }
  }

  /** One script for all whose shards have the same head, as nearly all have, as heads are known now. */
  async #ask(songs: Iterable<PendingSong<T>>): Promise<void> {
    const byHead = new Map<string, PendingSong<T>[]>();
    for (const song of songs) {
      const { text } = this.#redis.heads.of(song.shard);
      const others = byHead.get(text);
      if (others === undefined) byHead.set(text, [song]);
      else others.push(song);
    }
    await Promise.all(Array.from(byHead.values(), (alike) => this.#askAlike(alike)));
  }

  async #askAlike(songs: readonly PendingSong<T>[]): Promise<void> {
    const { script, prepare, failed } = this.#question;
    const { heads, layout } = this.#redis;
    const generation = this.#generation.current();
    const { shard } = songs[0] as PendingSong<T>;
    const head = heads.of(shard);
    const keys: string[] = generation === "" ? [] : [layout.generation];
    const given = songs.map((song) => prepare(song, heads.of(song.shard), keys));
    const [same = ""] = given;
    const areSame = given.every((argument) => argument === same);
    const args = [generation, head.text, areSame ? same : ""];
    for (const [at, { id }] of songs.entries()) {
      args.push(id);
      if (!areSame) args.push(given[at] as string);
    }
    try {
      const reply = (await this.#redis.onShard(shard, script, keys, args)) as string | null;
      if (reply === null) {
        this.#generation.forget(generation);
        return await this.#ask(songs);
      }
      const words = reply.split(" ");
      for (const [at, song] of songs.entries()) this.#settle(song, words[at] ?? "", head);
    } catch (error) {
      const meant = failed(error);
      for (const { items } of songs) for (const item of items) item.reject(meant);
    }
  }

  #settle(song: PendingSong<T>, word: string, head: Head): void {
    if (!word.startsWith("h")) return this.#question.settle(song, word, head);
    const by = frozenBy(word);
    this.#redis.heads.learn(song.shard, word.slice(1));
    if (by === undefined) {
      for (const item of song.items) this.again(item);
    } else {
      this.#frozen.wait(song.shard, by).then(
        () => song.items.forEach((item) => this.push(item)),
        (error) => song.items.forEach((item) => item.reject(failedReading(error))),
      );
    }
  }
}

import type { Redis } from "../redis.ts";
import { GENERATION } from "../scripts/generation.ts";
import { learnAll } from "./survey.ts";

/** Milliseconds between two tries to learn all heads while they change. */
const PAUSE = 10;

/**
 * A word that is another one, and never one that it has been, as soon as a head is: where one server has all shards, and
 * their heads are known as they were under that word, it is enough to look whether it is still the same. In a cluster there
 * is none, and each head is looked at.
 */
export class Generation {
  readonly #redis: Redis;
  /** The word, and how often heads had turned out to be others when they were known as they were under it. */
  #known = { word: "", alterations: -1 };
  #isLearning = false;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** That of the heads as they are known now; empty if there is none, or not yet. */
  current(): string {
    const { heads, isCluster } = this.#redis;
    if (isCluster) return "";
    if (this.#known.alterations === heads.alterations) return this.#known.word;
    if (!this.#isLearning) void this.#learn();
    return "";
  }

  /** Has heads looked at until they are known again; to be called with a generation that turned out to be no longer in force. */
  forget(word: string): void {
    if (this.#known.word === word) this.#known.alterations = -1;
  }

  async #learn(): Promise<void> {
    this.#isLearning = true;
    try {
      const { heads } = this.#redis;
      const { alterations } = heads;
      const before = await this.#read();
      const { areFrozen } = await learnAll(this.#redis);
      const after = await this.#read();
      // If one turns out to be another one here meanwhile, this is no longer what is known.
      if (before === after && !areFrozen) this.#known = { word: after, alterations };
      else await Bun.sleep(PAUSE);
    } catch {
      await Bun.sleep(PAUSE); // Redis cannot be asked: others say so
    } finally {
      this.#isLearning = false;
    }
  }

  async #read(): Promise<string> {
    const { layout, cluster } = this.#redis;
    const run = {
      slot: layout.controlSlot,
      script: GENERATION,
      keys: [layout.generation],
      args: [crypto.randomUUID()],
    };
    return (await cluster.run(run)) as string;
  }
}

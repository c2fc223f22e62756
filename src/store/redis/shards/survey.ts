import { frozenBy } from "./heads.ts";
import { failedReading } from "../outcomes.ts";
import { eachOf } from "../../../async.ts";
import type { Redis } from "../redis.ts";
import { SURVEY } from "../scripts/shard.ts";

/** How many shards are looked at in one script, where that is possible, and how many scripts are under way at a time. */
const [MOST, WIDTH] = [64, 32];

/** How all shards are together. */
export interface Figures {
  changes: number;
  songs: number;
  /** Whether any is frozen. */
  areFrozen: boolean;
}

/** How all shards are, each when its turn comes. */
export class Survey {
  readonly #redis: Redis;

  /** The one under way, and the one behind it. */
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<Figures> | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /**
   * The number of all changes there were, and of the songs. If there is any change between two surveys, the second one has
   * more of them; it costs no walk over the songs, but one over the shards.
   */
  take(): Promise<Figures> {
    if (this.#next !== undefined) return this.#next;
    // Whoever asks while one is under way wants to know what is so from now on: all of them wait for the next one.
    const next = this.#running.then(() => {
      this.#next = undefined;
      return this.#take();
    });
    this.#next = next;
    this.#running = next.catch(() => {});
    return next;
  }

  async #take(): Promise<Figures> {
    try {
      return await learnAll(this.#redis);
    } catch (error) {
      throw failedReading(error);
    }
  }
}

/** Learns the heads of all shards, each when its turn comes, and what else there is to know of them. */
export async function learnAll(redis: Redis): Promise<Figures> {
  const { layout, heads } = redis;
  const most = redis.isCluster ? 1 : MOST;
  let [changes, songs, areFrozen] = [0, 0, false];
  await eachOf(Math.ceil(layout.shards / most), WIDTH, async (part) => {
    const first = part * most;
    const shards = Array.from({ length: Math.min(most, layout.shards - first) }, (_, at) => first + at);
    const keys = shards.map((shard) => layout.keyOf(shard));
    const reply = (await redis.onShard(first, SURVEY, keys, [])) as string[];
    for (const [at, shard] of shards.entries()) {
      const [changed, counted, head = ""] = reply.slice(3 * at, 3 * at + 3);
      changes += Number(changed);
      songs += Number(counted);
      heads.learn(shard, head);
      areFrozen ||= frozenBy(head) !== undefined;
    }
  });
  return { changes, songs, areFrozen };
}

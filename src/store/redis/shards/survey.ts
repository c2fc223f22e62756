import { frozenBy } from "./heads.ts";
import { failedReading } from "../outcomes.ts";
import { eachOf } from "../../../async.ts";
import type { Redis } from "../redis.ts";
import { SURVEY } from "../scripts/shard.ts";

/** Number of shards in one script on a single server, and number of scripts under way at a time. */
const [MOST, WIDTH] = [64, 32];

/** Sums over all shards. */
export interface Figures {
  changes: number;
  songs: number;
  /** Whether any is frozen. */
  areFrozen: boolean;
}

/** Reads all shards, each at its own instant. */
export class Survey {
  readonly #redis: Redis;

  /** The survey under way, and the one that follows it. */
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<Figures> | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /**
   * Returns the sums of the shards' changes and songs. A survey after a change has a larger sum of changes
   * than one before it. The cost is one command a shard, with no walk over the songs.
   */
  take(): Promise<Figures> {
    if (this.#next !== undefined) return this.#next;
    // A survey under way may have passed a shard already, so callers that come meanwhile share the next one.
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

/** Reads the head and the figures of every shard, each at its own instant. */
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

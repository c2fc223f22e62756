import { eachOf } from "../../../async.ts";
import { failedReading } from "../outcomes.ts";
import type { Redis } from "../redis.ts";
import { decodeSurvey, SURVEY } from "../scripts/survey.ts";

/** Number of shards in one script on a single server, and number of scripts under way at a time. */
const [MOST, WIDTH] = [64, 32];

/** Sums over all shards. */
export interface Figures {
  changes: bigint;
  songs: number;
}

/** Reads the figures of all shards, each at its own instant, and learns their heads. */
export class Survey {
  readonly #redis: Redis;
  /** The survey under way, and the one that follows it. */
  #running: Promise<unknown> = Promise.resolve();
  #next: Promise<Figures> | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** Returns the sums without a walk over the songs. That of the changes grows with every change. */
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
    const { layout, heads, isCluster } = this.#redis;
    const most = isCluster ? 1 : MOST;
    let [changes, songs] = [0n, 0];
    try {
      await eachOf(Math.ceil(layout.shards / most), WIDTH, async (part) => {
        const first = part * most;
        const length = Math.min(most, layout.shards - first);
        const keys = Array.from({ length }, (_, at) => layout.keyOf(first + at));
        const reply = decodeSurvey(await this.#redis.onShard(first, SURVEY, { keys, args: [] }));
        for (const [at, shard] of reply.entries()) {
          changes += shard.changes;
          songs += shard.songs;
          heads.learn(first + at, shard.head);
        }
      });
    } catch (error) {
      throw failedReading(error);
    }
    return { changes, songs };
  }
}

import { eachOf } from "../../../async/concurrency.ts";
import { failedReading, mapFailure } from "../outcomes.ts";
import type { Redis } from "../redis.ts";
import { Script } from "../scripts/script.ts";
import text from "../scripts/survey.lua" with { type: "text" };

/** Reads the figures of shards, whose keys are its only input. */
const SURVEY = new Script(text, { writes: false });

/** Number of shards in one script on a single server, and number of scripts under way at a time. */
const [MOST, WIDTH] = [64, 32];

/** Sums over all shards. */
type Figures = { changes: bigint; songs: number };

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
    // A survey under way may have passed a shard already, so callers that come meanwhile share the next one.
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.#take();
    });
    this.#running = this.#next.catch(() => {});
    return this.#next;
  }

  async #take(): Promise<Figures> {
    const { layout, heads, isCluster } = this.#redis;
    const most = isCluster ? 1 : MOST;
    let [changes, songs] = [0n, 0];
    const reading = eachOf(Math.ceil(layout.shards / most), WIDTH, async (part) => {
      const first = part * most;
      const length = Math.min(most, layout.shards - first);
      const keys = Array.from({ length }, (_, at) => layout.keyOf(first + at));
      const reply = await this.#redis.onShard(first, SURVEY, { keys, verb: "survey" });
      for (let at = 0; at < length; at++) {
        const [change = "", size = "", head = ""] = reply.slice(3 * at, 3 * at + 3);
        changes += BigInt(change);
        songs += Number(size);
        heads.learn(first + at, head);
      }
    });
    await mapFailure(reading, failedReading);
    return { changes, songs };
  }
}

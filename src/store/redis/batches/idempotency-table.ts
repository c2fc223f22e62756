import type { BatchAddition } from "../../count-store.ts";
import { Refusal } from "../../refusal.ts";
import type { RequestKey } from "../../request-key.ts";
import type { Redis } from "../redis.ts";
import { WRITERS } from "../scripts/writers.ts";

/** Most counts that are kept of one answer. */
const MOST_COUNTS = 10_000;
/** How many counts are kept on average for each writer there may be. */
const COUNTS_A_WRITER = 32;

/** What was answered to a request before, without the counts if they were too many to keep; or a stamp for adding it. */
export type Claim = { fold: number; counts: number[] | undefined } | { stamp: string };

/**
 * The last request of each writer, so that it is counted once.
 *
 * A request is claimed here before anything is added, and confirmed behind that. In between, each shard that has added
 * its part knows the request as well: so whoever sends it again after a failure has the rest of it added, and no more.
 */
export class IdempotencyTable {
  readonly #redis: Redis;
  readonly #maxWriters: number;

  constructor(redis: Redis, maxWriters: number) {
    this.#redis = redis;
    this.#maxWriters = maxWriters;
  }

  /** @throws {Refusal} `stale key`, `key reused`. */
  async claim({ writer, seq }: RequestKey, fingerprint: number): Promise<Claim> {
    const reply = await this.#ask(writer, [
      "claim",
      writer,
      String(seq),
      String(fingerprint),
      this.#writersAPlace(),
    ]);
    const [word, first = "", second = ""] = reply;
    if (word === "stale") throw Refusal.staleKey(seq, Number(first));
    if (word === "reused") throw Refusal.keyReused(seq);
    if (word !== "done") return { stamp: first };
    const counts = second === "-" ? undefined : second.split(" ").filter(Boolean).map(Number);
    return { fold: Number(first), counts };
  }

  /** Has an answer kept, as long as it is the last one of its writer. */
  async confirm({ writer, seq }: RequestKey, { fold, counts }: BatchAddition): Promise<void> {
    const kept = counts.length > MOST_COUNTS ? "-" : counts.join(" ");
    const writers = this.#writersAPlace();
    const mostCounts = Math.max(MOST_COUNTS, Number(writers) * COUNTS_A_WRITER);
    const numbers = [String(counts.length), writers, String(mostCounts)];
    await this.#ask(writer, ["confirm", writer, String(seq), String(fold), kept, ...numbers]);
  }

  /** As if a request that was refused had never come. */
  async release({ writer, seq }: RequestKey): Promise<void> {
    await this.#ask(writer, ["release", writer, String(seq)]);
  }

  #writersAPlace(): string {
    return String(this.#redis.layout.writersAPlace(this.#maxWriters));
  }

  async #ask(writer: string, args: string[]): Promise<string[]> {
    const { slot, keys } = this.#redis.layout.writerKeysOf(writer);
    return (await this.#redis.cluster.run({ slot, script: WRITERS, keys, args })) as string[];
  }
}

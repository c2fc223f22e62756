import type { Addition } from "../../count-store.ts";
import type { AdmissionLimit } from "../limits.ts";
import { errorOf, failedChange, failedReading, mapFailure, unreachable } from "../outcomes.ts";
import { MOST_TRIES, type Redis } from "../redis.ts";
import type { AddRequest, Song } from "../scripts/add.ts";

/** Largest number of calls of one script, which takes about a millisecond. */
const MOST_CALLS = 256;
/** Least number of calls after which a queue waits for more of them. */
const MANY_CALLS = 8;
/** Turns of the event loop to wait: less time than Redis takes for the calls that come then. */
const TURNS = 8;

interface PendingCall extends Song {
  readonly resolve: (addition: Addition) => void;
  readonly reject: (error: unknown) => void;
}

type Request = Pick<AddRequest, "mode" | "after">;

/**
 * Adds plays to single songs, and counts them.
 *
 * Calls that come while a script is under way are passed to the next one together. So a single call waits for
 * no timer, and many calls share the cost of a script.
 */
export class SingleSongs {
  readonly #redis: Redis;
  readonly #limit: AdmissionLimit;
  readonly #log: (line: string) => void;
  /** The waiting calls of each queue that runs. */
  readonly #waiting = new Map<string, PendingCall[]>();

  constructor(redis: Redis, limit: AdmissionLimit, log: (line: string) => void) {
    this.#redis = redis;
    this.#limit = limit;
    this.#log = log;
  }

  /** Adds `plays`, 1 or more. @throws {Refusal} `unavailable` if too many requests wait. */
  add(id: string, plays: number): Promise<Addition> {
    this.#limit.enter(1);
    return this.#call(id, plays, { mode: "each" });
  }

  /** Returns the count of a song, without the folds up to `after`, and the newest fold. */
  get(id: string, after?: number): Promise<Addition> {
    this.#limit.enter(1);
    return this.#call(id, 0, { mode: "count", after });
  }

  /** Returns what `get` returns for several songs. */
  async getAll(ids: readonly string[], after?: number): Promise<Addition[]> {
    this.#limit.enter(ids.length);
    return await Promise.all(ids.map((id) => this.#call(id, 0, { mode: "count", after })));
  }

  #call(id: string, plays: number, request: Request): Promise<Addition> {
    const shard = this.#redis.layout.shardOf(id);
    const { promise, resolve, reject } = Promise.withResolvers<Addition>();
    const call = { id, shard, plays, resolve, reject };
    const queue = `${this.#redis.groupOf(shard)} ${request.mode} ${request.after}`;
    const waiting = this.#waiting.get(queue);
    if (waiting === undefined) void this.#runAll(queue, [call], request);
    else waiting.push(call);
    return promise;
  }

  async #runAll(queue: string, waiting: PendingCall[], request: Request): Promise<void> {
    this.#waiting.set(queue, waiting);
    await undefined; // calls of the same turn go together
    while (waiting.length > 0) {
      const calls = waiting.splice(0, MOST_CALLS);
      await this.#run(calls, request).catch((error) => {
        for (const call of calls) call.reject(error);
      });
      this.#limit.leave(calls.length);
      if (calls.length < MANY_CALLS) continue;
      for (let turn = 0; turn < TURNS; turn++) await new Promise(setImmediate);
    }
    this.#waiting.delete(queue);
  }

  async #run(calls: readonly PendingCall[], request: Request): Promise<void> {
    let left = calls;
    for (let tries = 0; left.length > 0 && tries < MOST_TRIES; tries++) {
      left = await this.#attempt(left, request);
    }
    for (const call of left) call.reject(unreachable()); // the heads of shards change each time
  }

  /** Returns the calls to try again. */
  async #attempt(calls: readonly PendingCall[], request: Request): Promise<PendingCall[]> {
    const { layout, settings } = this.#redis;
    const adding = this.#redis.add({ ...request, songs: calls });
    const meant = request.mode === "each" ? failedChange : failedReading;
    const { counts, folds, problems } = await mapFailure(adding, meant);
    for (const [at, call] of calls.entries()) {
      const count = counts[at] as number | null;
      if (count !== null) call.resolve({ count, fold: folds[at] as number });
    }
    for (const problem of problems) {
      const { kind, at, detail } = problem;
      const call = calls[at] as PendingCall;
      if (kind === "broken") this.#log(`${layout.keyOf(call.shard)} cannot be used: ${detail}`);
      if (kind !== "head") call.reject(errorOf(problem, calls, settings.maxSongs));
    }
    return problems.filter(({ kind }) => kind === "head").map(({ at }) => calls[at] as PendingCall);
  }
}

import { eachOf } from "../../../async/concurrency.ts";
import { Refusal, UnknownOutcome } from "../../refusal.ts";
import { failedChange, failedReading, mapFailure, unreachable } from "../outcomes.ts";
import { MOST_TRIES, type Redis } from "../redis.ts";
import type { ControlReply, State } from "../scripts/control.ts";
import { encodeOperation, OPERATION } from "../scripts/operation.ts";
import type { ShardOperation } from "../scripts/operation.ts";

/** Number of shards that are worked on at a time. */
const WIDTH = 64;

/**
 * Seals, acknowledges and clears: operations on all shards.
 *
 * An operation is written down first, then applied to one shard after the other, and then crossed out. A
 * server that finds one written down applies it to all shards itself, which changes nothing where that was
 * done. So an operation ends although its server dies, and no two are under way at a time.
 */
export class Control {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async folds(): Promise<State> {
    const state = await mapFailure(this.#redis.state(), failedReading);
    this.#redis.heads.learnFold(state);
    return state;
  }

  /** Completes the operation of another server. */
  async completeOther(): Promise<void> {
    const { underWay } = await this.#redis.state();
    if (underWay !== undefined) await this.#complete(underWay);
  }

  /**
   * Seals or acknowledges a fold, or clears the counts. Returns true if this call completed the operation.
   *
   * @throws {Refusal} as the method of the store does.
   */
  async change(kind: ShardOperation["kind"], fold: number = 0, label?: string): Promise<boolean> {
    const { maxFolds } = this.#redis.settings;
    for (;;) {
      const begin = this.#redis.control({ verb: "begin", kind, fold, maxFolds, label });
      const reply = await mapFailure(begin, failedChange);
      if (reply.kind === "done") return false;
      if (reply.kind !== "go" && reply.kind !== "busy") throw refusalOf(reply, fold, maxFolds);
      const isCompleted = await this.#complete(reply.operation);
      if (reply.kind === "go" && isCompleted !== undefined) return isCompleted;
    }
  }

  /** Returns true if the operation was crossed out by this call, `undefined` if it has to begin again. */
  async #complete(operation: ShardOperation): Promise<boolean | undefined> {
    const { kind, number, epoch: since } = operation;
    let epoch = 0;
    try {
      await eachOf(this.#redis.layout.shards, WIDTH, async (shard) => {
        epoch = Math.max(epoch, await this.#apply(shard, operation));
      });
      if (epoch <= (kind === "clear" ? number : since))
        return (await this.#redis.control({ verb: "end", operation: operation.name })).kind === "ended";
      // The shared state has lost a clear that a shard knows.
      await this.#redis.control({ verb: "raise", operation: operation.name, epoch });
      return undefined;
    } catch (error) {
      const meant = failedChange(error);
      throw meant instanceof Refusal ? new UnknownOutcome() : meant; // a server will complete it
    }
  }

  /** Applies an operation to one shard. Idempotent. Returns the epoch of the shard. */
  async #apply(shard: number, operation: ShardOperation): Promise<number> {
    const { heads } = this.#redis;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const input = encodeOperation(heads, shard, operation);
      const [word, head = ""] = await this.#redis.onShard(shard, OPERATION, input);
      const { epoch } = heads.learn(shard, head);
      if (word === "done") return epoch;
    }
    throw unreachable(); // the head of the shard changes each time
  }
}

function refusalOf(reply: ControlReply, fold: number, maxFolds: number): Refusal {
  if (reply.kind === "label") return Refusal.otherLabel(fold, reply.label);
  if (reply.kind === "below") return Refusal.belowNewest(fold, reply.fold);
  if (reply.kind === "older") return Refusal.olderFirst(fold, reply.fold);
  return reply.kind === "many" ? Refusal.tooManyFolds(maxFolds) : Refusal.unknownFold(fold);
}

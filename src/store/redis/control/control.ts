import { Refusal, UnknownOutcome } from "../../refusal.ts";
import { eachOf } from "../../../async.ts";
import type { Redis } from "../redis.ts";
import { failedChange, failedReading, mapFailure } from "../outcomes.ts";
import { BEGIN, END, RAISE, STATE, TURN } from "../scripts/control.ts";
import { type ShardOperation, applyOperation } from "./shard-operation.ts";

/** How many shards are worked on at a time. */
const WIDTH = 64;
/** Milliseconds after which whoever has begun something, or frozen shards, must have died: others end it then. */
export const PATIENCE = 1000;
/** Milliseconds until it is looked again whether somebody has cleared what he has frozen. */
const PAUSE = 10;

/** Which folds there are. */
export interface FoldsState {
  unacknowledged: number[];
  kept: number;
  dropped: number;
  epoch: number;
}

/**
 * Sealing, acknowledging and clearing: what concerns all shards.
 *
 * What is to be done is written down first, then done to one shard after the other, and then crossed out. Whoever finds
 * something written down there, because who began it is at it or has died, does all of it again, which changes nothing
 * where it has been done.
 */
export class Control {
  readonly #redis: Redis;
  readonly #maxFolds: number;

  constructor(redis: Redis, maxFolds: number) {
    this.#redis = redis;
    this.#maxFolds = maxFolds;
  }

  async folds(): Promise<FoldsState> {
    const reply = this.#redis.onControl(STATE, []);
    const [list = "", kept, dropped, epoch] = (await mapFailure(reply, failedReading)) as string[];
    const unacknowledged = list.split(",").filter(Boolean).map(Number);
    return { unacknowledged, kept: Number(kept), dropped: Number(dropped), epoch: Number(epoch) };
  }

  /** @throws {Refusal} as a store's `seal` does. */
  async seal(fold: number): Promise<boolean> {
    return await this.#change("seal", fold);
  }

  /** @throws {Refusal} as a store's `acknowledge` does. */
  async acknowledge(fold: number): Promise<void> {
    await this.#change("acknowledge", fold);
  }

  async clear(): Promise<void> {
    await this.#change("clear", 0);
  }

  /**
   * Clears all if `isUnchanged`; gives whether it did. Nothing is added to any shard from when that is asked until they are
   * cleared: so what is cleared is what was asked about.
   */
  async clearIf(isUnchanged: () => Promise<boolean>): Promise<boolean> {
    const frozen = await this.#begin("freeze", 0);
    if (frozen === undefined || frozen === "done") return false;
    const clear: ShardOperation = {
      ...frozen,
      kind: "clear",
      number: Math.max(frozen.epoch + 1, Date.now()),
    };
    try {
      await this.#work(frozen);
      if (!(await isUnchanged())) {
        await this.#thaw(frozen);
        return false;
      }
      // It may have taken so long that somebody has thawed it.
      if (!(await this.#turn(frozen, clear))) return false;
    } catch (error) {
      this.#thaw(frozen).catch(() => {}); // or somebody else does, in a second
      throw failedChange(error);
    }
    await this.#end(clear);
    return true;
  }

  /** Goes on to the epoch that a shard has: what is the same for all was lost with a server, and the shard was not. */
  async raise(epoch: number): Promise<void> {
    await this.#redis.onControl(RAISE, ["", String(epoch)]);
  }

  /** Ends whatever somebody else has begun. */
  async endOther(): Promise<void> {
    const work = await this.#underWay();
    if (work !== undefined) await this.#endFor(work);
  }

  /** Has plays added again to a shard that was frozen so long ago that who did it must have died. */
  async recover(shard: number, frozenBy: number): Promise<void> {
    const work = await this.#underWay();
    if (work?.kind === "freeze" && work.number === frozenBy) await this.#thaw(work);
    else if (work !== undefined) await this.#endFor(work);
    await applyOperation(this.#redis, shard, { kind: "thaw", number: frozenBy, epoch: 0, kept: 0 });
  }

  /** Gives whether it was done by this call, and not before. */
  async #change(kind: "seal" | "acknowledge" | "clear", fold: number): Promise<boolean> {
    for (;;) {
      const work = await this.#begin(kind, fold);
      if (work === "done") return false;
      const isEnder = work && (await this.#end(work));
      if (isEnder !== undefined) return isEnder;
    }
  }

  /** Writes down what is to be done. If something else is under way, that is ended, and nothing else is done. */
  async #begin(kind: ShardOperation["kind"], fold: number): Promise<ShardOperation | "done" | undefined> {
    try {
      const args = [kind, String(fold), String(this.#maxFolds)];
      const [word, ...rest] = (await this.#redis.onControl(BEGIN, args)) as string[];
      if (word === "done") return word;
      if (word !== "go" && word !== "busy") throw refusal(word, fold, Number(rest[0]), this.#maxFolds);
      const [name = "", kept] = rest;
      if (word === "go") return workOf(name, kept);
      await this.#endFor(workOf(name, kept));
      return undefined;
    } catch (error) {
      throw failedChange(error);
    }
  }

  /** Ends what somebody else has begun. What he has frozen only he himself clears, and he has a second for that. */
  async #endFor(work: ShardOperation): Promise<void> {
    if (work.kind !== "freeze") return void (await this.#end(work));
    for (const since = performance.now(); performance.now() - since < PATIENCE;) {
      await Bun.sleep(PAUSE);
      if ((await this.#underWay())?.number !== work.number) return;
    }
    await this.#thaw(work);
  }

  async #underWay(): Promise<ShardOperation | undefined> {
    const [, kept, , , name = ""] = (await this.#redis.onControl(STATE, [])) as string[];
    return name === "" ? undefined : workOf(name, kept);
  }

  async #thaw(frozen: ShardOperation): Promise<void> {
    const thaw: ShardOperation = { ...frozen, kind: "thaw" };
    if (await this.#turn(frozen, thaw)) await this.#end(thaw);
  }

  /** Has something else under way; gives false if it is not any more. */
  async #turn(from: ShardOperation, to: ShardOperation): Promise<boolean> {
    return (await this.#redis.onControl(TURN, [nameOf(from), nameOf(to)])) === 1;
  }

  /** Does it to every shard, and crosses it out; gives whether that was done by this, or nothing if it has to begin anew. */
  async #end(work: ShardOperation): Promise<boolean | undefined> {
    try {
      const freed = await this.#work(work);
      const { heads, layout } = this.#redis;
      const epochs = Array.from({ length: layout.shards }, (_, shard) => heads.of(shard).epoch);
      const newest = Math.max(...epochs);
      if (newest <= (work.kind === "clear" ? work.number : work.epoch)) {
        return (await this.#redis.onControl(END, [nameOf(work), ...freed])) === 1;
      }
      // A shard is ahead of what is the same for all.
      await this.#redis.onControl(RAISE, [nameOf(work), String(newest)]);
      return undefined;
    } catch (error) {
      const meant = failedChange(error);
      // It has been begun, and somebody will end it.
      throw meant instanceof Refusal ? new UnknownOutcome() : meant;
    }
  }

  /** Gives each shard, and what room it has ever given back. */
  async #work(work: ShardOperation): Promise<string[]> {
    const freed: string[] = [];
    await eachOf(this.#redis.layout.shards, WIDTH, async (shard) => {
      freed.push(String(shard), await applyOperation(this.#redis, shard, work));
    });
    return work.kind === "acknowledge" ? freed : [];
  }
}

function nameOf({ kind, number, epoch }: ShardOperation): string {
  return `${kind}:${number}:${epoch}`;
}

function workOf(name: string, kept: string | undefined): ShardOperation {
  const [kind, number, epoch] = name.split(":") as [ShardOperation["kind"], string, string];
  return { kind, number: Number(number), epoch: Number(epoch), kept: Number(kept) };
}

function refusal(word: string | undefined, fold: number, other: number, maxFolds: number): Refusal {
  if (word === "below") return Refusal.belowNewest(fold, other);
  if (word === "many") return Refusal.tooManyFolds(maxFolds);
  return word === "older" ? Refusal.olderFirst(fold, other) : Refusal.unknownFold(fold);
}

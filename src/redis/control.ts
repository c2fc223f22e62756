import { Refusal, UnknownOutcome } from "../store/refusal.ts";
import { eachOf, type Redis } from "./redis.ts";
import { failedChange, failedReading, meaning } from "./outcomes.ts";
import { CONTROL } from "./scripts/control.ts";
import { ACKNOWLEDGE, CLEAR, SEAL } from "./scripts/shard.ts";

/** How many shards are worked on at a time. */
const WIDTH = 64;

type Kind = "seal" | "acknowledge" | "clear";

/** Something that is done to one shard after the other: what it is, and the epoch and the kept fold when it began. */
interface UnderWay {
  name: string;
  epoch: number;
  kept: number;
}

/** Which folds there are. */
export interface FoldsState {
  unacknowledged: number[];
  kept: number;
  dropped: number;
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
    const reply = this.#redis.onControl(CONTROL, ["folds"]);
    const [list, kept, dropped] = (await meaning(reply, failedReading)) as [string, string, string];
    const unacknowledged = list.split(",").filter(Boolean).map(Number);
    return { unacknowledged, kept: Number(kept), dropped: Number(dropped) };
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

  /** Ends whatever somebody else has begun. */
  async endOther(): Promise<void> {
    const [under, epoch, kept] = (await this.#redis.onControl(CONTROL, ["under way"])) as string[];
    if (under !== undefined && under !== "") {
      await this.#end({ name: under, epoch: Number(epoch), kept: Number(kept) });
    }
  }

  /** Gives whether it was done by this call, and not before. */
  async #change(kind: Kind, fold: number): Promise<boolean> {
    try {
      for (;;) {
        const begin = ["begin", kind, String(fold), String(this.#maxFolds)];
        const [word, ...rest] = (await this.#redis.onControl(CONTROL, begin)) as string[];
        if (word === "done") return false;
        if (word !== "go" && word !== "busy") throw refusal(word, fold, Number(rest[0]), this.#maxFolds);
        const [name = "", epoch, kept] = rest;
        const isEnder = await this.#end({ name, epoch: Number(epoch), kept: Number(kept) });
        if (word === "go") return isEnder;
      }
    } catch (error) {
      const meant = failedChange(error);
      // It may have been begun, and then somebody will end it.
      throw meant instanceof Refusal && meant.reason === "unavailable" ? new UnknownOutcome() : meant;
    }
  }

  /** Does it to every shard; gives whether it was crossed out by this. */
  async #end({ name, epoch, kept }: UnderWay): Promise<boolean> {
    const [kind, number] = name.split(":") as [Kind, string];
    const freed: string[] = [];
    await eachOf(this.#redis.layout.shards, WIDTH, async (shard) => {
      if (kind === "seal") await this.#seal(shard, epoch, Number(number));
      else if (kind === "clear") await this.#clear(shard, Number(number));
      else freed.push(String(shard), await this.#acknowledge(shard, epoch, Number(number), kept));
    });
    return (await this.#redis.onControl(CONTROL, ["end", name, ...freed])) === 1;
  }

  async #seal(shard: number, epoch: number, fold: number): Promise<void> {
    const { layout } = this.#redis;
    const keys = [layout.keyOf(shard), layout.foldKeyOf(shard, fold)];
    this.#learn(shard, await this.#redis.onShard(shard, SEAL, keys, [String(epoch), String(fold)]));
  }

  async #acknowledge(shard: number, epoch: number, fold: number, dropped: number): Promise<string> {
    const { layout } = this.#redis;
    const keys = [layout.keyOf(shard), layout.foldKeyOf(shard, dropped)];
    const args = [epoch, fold, dropped].map(String);
    const [head, freed] = (await this.#redis.onShard(shard, ACKNOWLEDGE, keys, args)) as [string, string];
    this.#learn(shard, head);
    return freed;
  }

  async #clear(shard: number, epoch: number): Promise<void> {
    for (;;) {
      const { text, keys } = this.#redis.heads.of(shard);
      const head = await this.#redis.onShard(shard, CLEAR, keys, [text, String(epoch)]);
      this.#learn(shard, head);
      if (this.#redis.heads.of(shard).epoch >= epoch) return;
    }
  }

  #learn(shard: number, head: unknown): void {
    this.#redis.heads.learn(shard, head as string);
  }
}

function refusal(word: string | undefined, fold: number, other: number, maxFolds: number): Refusal {
  if (word === "below") return Refusal.belowNewest(fold, other);
  if (word === "many") return Refusal.tooManyFolds(maxFolds);
  return word === "older" ? Refusal.olderFirst(fold, other) : Refusal.unknownFold(fold);
}

import { checkSetting } from "../../settings/settings.ts";
import {
  type Addition,
  type BatchAddition,
  type Chunk,
  type CountStore,
  type Entry,
  isTooLong,
  type StoreFigures,
  type StoreOptions,
} from "../count-store.ts";
import { Refusal } from "../refusal.ts";
import type { RequestKey } from "../request-key.ts";
import { Additions } from "./songs/additions.ts";
import { Batches } from "./batches/batches.ts";
import { Control } from "./control/control.ts";
import { Frozen } from "./control/frozen.ts";
import { Generation } from "./shards/generation.ts";
import { Health } from "./control/health.ts";
import { unreachable } from "./outcomes.ts";
import { PlayCounter } from "./play-counter.ts";
import { RedisListing } from "./songs/listing.ts";
import type { Redis } from "./redis.ts";
import { IdempotencyTable } from "./batches/idempotency-table.ts";
import { SongQuota } from "./shards/song-quota.ts";
import { Survey } from "./shards/survey.ts";
import { AdmissionLimit } from "./limits.ts";

export interface RedisStoreOptions extends StoreOptions {
  /** How many requests may wait for Redis: 1 to 2^20, 10,000 unless told. */
  maxWaiting?: number;
  /** Those of all threads; its own unless told. */
  plays?: PlayCounter;
  /** Told what an operator should know. */
  log?: (line: string) => void;
  /** Told whenever it can count no more, or again. */
  healthLog?: (line: string) => void;
}

/** How often it is asked about a condition while the counts change. */
const MOST_TRIES = 10;

/**
 * Counts that are in Redis, or in a cluster of it: nothing of them is here, so any number of these may be at work on the
 * same ones.
 *
 * What concerns one song, or those of one script, happens at one instant; what concerns several shards happens in one
 * after the other. What fails is `unavailable` if nothing was done, and an `UnknownOutcome` if that is not known.
 */
export class RedisStore implements CountStore {
  readonly maxIdBytes: number;
  readonly #waiting: AdmissionLimit;
  readonly #redis: Redis;
  readonly #additions: Additions;
  readonly #batches: Batches;
  readonly #control: Control;
  readonly #reading: RedisListing;
  readonly #survey: Survey;
  readonly #health: Health;
  readonly #plays: PlayCounter;

  /** @throws {RangeError} for a limit that is out of its range. */
  constructor(redis: Redis, options: RedisStoreOptions = {}) {
    this.maxIdBytes = checkSetting("maxIdBytes", options.maxIdBytes);
    this.#waiting = new AdmissionLimit(checkSetting("maxWaiting", options.maxWaiting));
    const maxWriters = checkSetting("maxWriters", options.maxWriters);
    this.#redis = redis;
    this.#control = new Control(redis, checkSetting("maxFolds", options.maxFolds));
    const frozen = new Frozen(this.#control);
    const room = new SongQuota(redis, this.#control, checkSetting("maxSongs", options.maxSongs));
    this.#plays = options.plays ?? new PlayCounter();
    const log = options.log ?? (() => {});
    this.#health = new Health(redis, this.#control, options.healthLog ?? log);
    const parts = { redis, generation: new Generation(redis), room, frozen };
    this.#additions = new Additions({ ...parts, waiting: this.#waiting, plays: this.#plays }, log);
    this.#batches = new Batches({ ...parts, requests: new IdempotencyTable(redis, maxWriters) }, maxWriters);
    this.#reading = new RedisListing(redis);
    this.#survey = new Survey(redis);
  }

  /** Why it cannot count for now. */
  get unavailableBecause(): string | undefined {
    return this.#health.trouble === undefined ? undefined : "The store of the counts cannot be used";
  }

  get version(): Promise<string> {
    return this.#survey.take().then(({ changes }) => `${this.#redis.layout.data.name}-${changes}`);
  }

  get(id: string, after?: number): Promise<number> {
    this.#check(id);
    return this.#additions.get(id, after).then(({ count }) => count);
  }

  add(id: string, plays: number, key?: RequestKey): Promise<Addition> {
    this.#check(id);
    if (key !== undefined) return this.#addKeyed(id, plays, key);
    if (plays === 0) return this.#additions.get(id);
    return this.#additions.add(id, plays);
  }

  async addAll(plays: ReadonlyMap<string, number>, key?: RequestKey): Promise<BatchAddition> {
    for (const id of plays.keys()) this.#check(id);
    return await this.#addAll("batch", plays, key);
  }

  entries(after?: number): AsyncIterable<Chunk> {
    this.#checkSame();
    return this.#reading.entries(after);
  }

  top(n: number, after?: number): Promise<Entry[]> {
    this.#checkSame();
    return this.#reading.top(n, after);
  }

  async seal(fold: number): Promise<boolean> {
    this.#checkSame();
    return await this.#waiting.hold(1, () => this.#control.seal(fold));
  }

  async folds(): Promise<number[]> {
    this.#checkSame();
    return (await this.#control.folds()).unacknowledged;
  }

  async *fold(fold: number): AsyncGenerator<Chunk> {
    this.#checkSame();
    const { unacknowledged, kept, dropped, epoch } = await this.#control.folds();
    if (!unacknowledged.includes(fold) && fold !== kept) {
      throw fold <= dropped ? Refusal.dropped(dropped) : Refusal.unknownFold(fold);
    }
    yield* this.#reading.fold(fold, epoch);
  }

  async acknowledge(fold: number): Promise<void> {
    this.#checkSame();
    await this.#waiting.hold(1, () => this.#control.acknowledge(fold));
  }

  async clear(unless?: (version: string) => boolean): Promise<boolean> {
    this.#checkSame();
    return await this.#waiting.hold(1, async () => {
      if (unless === undefined) {
        await this.#control.clear();
        return true;
      }
      for (let tries = 0; tries < MOST_TRIES; tries++) {
        const asked = await this.version;
        if (unless(asked)) return false;
        if (await this.#control.clearIf(async () => (await this.version) === asked)) return true;
      }
      throw Refusal.unavailable("The counts change too often for a condition");
    });
  }

  async figures(): Promise<StoreFigures> {
    const [{ songs }, { unacknowledged }] = await Promise.all([this.#survey.take(), this.#control.folds()]);
    return {
      songs,
      plays: this.#plays.total,
      folds: unacknowledged.length,
      bytes: undefined,
    };
  }

  /** Ends what others have begun and left, before anything is counted. */
  async endOthers(): Promise<void> {
    await this.#control.endOther().catch(() => {}); // and if that fails, as soon as it can be
  }

  /** Ends the connections; nothing can be asked any more. */
  close(): void {
    this.#health.close();
    this.#redis.cluster.close();
  }

  async #addKeyed(id: string, plays: number, key: RequestKey): Promise<Addition> {
    const { counts, fold } = await this.#addAll("song", new Map([[id, plays]]), key);
    return { count: counts[0] as number, fold };
  }

  async #addAll(kind: string, plays: ReadonlyMap<string, number>, key?: RequestKey): Promise<BatchAddition> {
    const addition = await this.#waiting.hold(plays.size, () => this.#batches.add(kind, plays, key));
    for (const more of plays.values()) this.#plays.add(more);
    return addition;
  }

  /** @throws {Refusal} `unavailable` if there are other counts by now, of which nothing is known here. */
  #checkSame(): void {
    if (this.#health.areOthers) throw unreachable();
  }

  #check(id: string): void {
    this.#checkSame();
    if (isTooLong(id, this.maxIdBytes)) throw Refusal.tooLong(this.maxIdBytes);
  }
}

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
  /** Largest number of requests that wait for Redis, from 1 to 2^20. Default: 10,000. */
  maxWaiting?: number;
  /** Counter of the plays of all threads. Default: one of this store only. */
  plays?: PlayCounter;
  /** Receives lines for the operator. */
  log?: (line: string) => void;
  /** Receives a line whenever the store becomes unavailable or available again. Default: `log`. */
  healthLog?: (line: string) => void;
}

/** Attempts to clear on a condition while the counts change. */
const MOST_TRIES = 10;

/**
 * Counts in Redis, or in a Redis Cluster. A store keeps no counts in its own memory, so any number of stores
 * can share the same data.
 *
 * An operation on one song, or on the songs of one script, is atomic. An operation on several shards reaches
 * them one after the other. A failed operation is `unavailable` if nothing was done, and an `UnknownOutcome`
 * otherwise.
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

  /** The reason why no play can be counted at present. */
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
      folds: unacknowledged.length,
    };
  }

  /** Completes what a server that died has begun. Call it before anything is counted. */
  async endOthers(): Promise<void> {
    await this.#control.endOther().catch(() => {}); // retried by the health check
  }

  /** Closes all connections. The store must not be used afterwards. */
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

  /** @throws {Refusal} `unavailable` if another server has laid out new counts. */
  #checkSame(): void {
    if (this.#health.areOthers) throw unreachable();
  }

  #check(id: string): void {
    this.#checkSame();
    if (isTooLong(id, this.maxIdBytes)) throw Refusal.tooLong(this.maxIdBytes);
  }
}

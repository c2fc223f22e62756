import { checkFold, checkPlays } from "../arguments.ts";
import { isTooLong, type SealedFold, type StoreFigures } from "../count-store.ts";
import type { Addition, BatchAddition, Chunk, CountStore, Entry, SongPlays } from "../count-store.ts";
import { Refusal } from "../refusal.ts";
import type { RequestKey } from "../request-key.ts";
import { Control } from "./control/control.ts";
import { Health } from "./control/health.ts";
import { AdmissionLimit } from "./limits.ts";
import type { Redis } from "./redis.ts";
import { Survey } from "./shards/survey.ts";
import { Batches } from "./songs/batches.ts";
import { RedisListing } from "./songs/listing.ts";
import { SingleSongs } from "./songs/single-songs.ts";

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
  readonly #limit: AdmissionLimit;
  readonly #redis: Redis;
  readonly #songs: SingleSongs;
  readonly #batches: Batches;
  readonly #control: Control;
  readonly #listing: RedisListing;
  readonly #survey: Survey;
  readonly #health: Health;

  /** `log` receives lines for the operator, `healthLog` those about the availability of Redis. */
  constructor(redis: Redis, log: (line: string) => void, healthLog: (line: string) => void) {
    this.maxIdBytes = redis.settings.maxIdBytes;
    this.#redis = redis;
    this.#limit = new AdmissionLimit(redis.settings.maxWaiting);
    this.#control = new Control(redis);
    this.#health = new Health(redis, this.#control, healthLog);
    this.#songs = new SingleSongs(redis, this.#limit, log);
    this.#batches = new Batches(redis);
    this.#listing = new RedisListing(redis);
    this.#survey = new Survey(redis);
  }

  /** The reason why no play can be counted at present. */
  get unavailableBecause(): string | undefined {
    return this.#health.trouble === undefined ? undefined : "The store of the counts cannot be used";
  }

  get version(): Promise<string> {
    return this.#survey.take().then(({ changes }) => `${this.#redis.layout.data.name}-${changes}`);
  }

  get newestFold(): number {
    return this.#redis.heads.last.newest;
  }

  get(id: string, after?: number): Promise<number> {
    this.#check(id);
    return this.#songs.get(id, after).then(({ count }) => count);
  }

  async getAll(ids: readonly string[], after?: number): Promise<number[]> {
    for (const id of ids) this.#check(id);
    const songs = await this.#songs.getAll(ids, after);
    return songs.map(({ count }) => count);
  }

  add(id: string, plays: number, key?: RequestKey): Promise<Addition> {
    this.#check(id);
    checkPlays(plays);
    if (key === undefined) return plays === 0 ? this.#songs.get(id) : this.#songs.add(id, plays);
    const addition = this.#limit.hold(1, () => this.#batches.add("song", new Map([[id, plays]]), key));
    return addition.then(({ counts, fold }) => ({ count: counts[0] as number, fold }));
  }

  async addAll(plays: SongPlays, key?: RequestKey): Promise<BatchAddition> {
    return await this.#limit.hold(plays.size, () => this.#batches.add("batch", plays, key));
  }

  entries(after?: number): AsyncIterable<Chunk> {
    return this.#listing.entries(after);
  }

  top(n: number, after?: number): Promise<Entry[]> {
    return this.#listing.top(n, after);
  }

  async seal(fold: number, label: string = ""): Promise<boolean> {
    checkFold(fold, label);
    return await this.#limit.hold(1, () => this.#control.change("seal", fold, label));
  }

  async folds(): Promise<SealedFold[]> {
    return (await this.#control.folds()).unacknowledged;
  }

  async *fold(fold: number): AsyncGenerator<Chunk> {
    const { unacknowledged, kept, dropped, epoch } = await this.#control.folds();
    if (!unacknowledged.some((sealed) => sealed.fold === fold) && fold !== kept) {
      throw fold <= dropped ? Refusal.dropped(dropped) : Refusal.unknownFold(fold);
    }
    yield* this.#listing.fold(fold, epoch);
  }

  async acknowledge(fold: number, label?: string): Promise<void> {
    await this.#limit.hold(1, () => this.#control.change("acknowledge", fold, label));
  }

  /** @throws {Refusal} `unsupported` with a condition, which would have to stop the plays of all servers. */
  async clear(unless?: (version: string) => boolean): Promise<boolean> {
    if (unless !== undefined) throw Refusal.unsupported();
    await this.#limit.hold(1, () => this.#control.change("clear"));
    return true;
  }

  async figures(): Promise<StoreFigures> {
    const [{ songs }, state] = await Promise.all([this.#survey.take(), this.#control.folds()]);
    const { unacknowledged, oldestSealedAt, lastSealedAt, lastAcknowledgedAt } = state;
    return { songs, folds: unacknowledged.length, oldestSealedAt, lastSealedAt, lastAcknowledgedAt };
  }

  /** Completes what a server that died has begun. Call it before anything is counted. */
  completeOther(): Promise<void> {
    return this.#control.completeOther().catch(() => {}); // retried by the health check
  }

  /** Closes all connections. The store must not be used afterwards. */
  close(): void {
    this.#health.close();
    this.#redis.cluster.topology.close();
  }

  #check(id: string): void {
    if (isTooLong(id, this.maxIdBytes)) throw Refusal.tooLong(this.maxIdBytes);
  }
}

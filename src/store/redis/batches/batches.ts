import type { BatchAddition } from "../../count-store.ts";
import { Refusal, UnknownOutcome } from "../../refusal.ts";
import { fingerprintOf, type RequestKey } from "../../request-key.ts";
import { type BatchRequest, commandOf, divide, roundsOf, type Mode, type Part } from "./batch-parts.ts";
import { NotDone } from "../cluster/failures.ts";
import type { Frozen } from "../control/frozen.ts";
import { Semaphore, eachOf } from "../../../async.ts";
import type { Generation } from "../shards/generation.ts";
import { frozenBy } from "../shards/heads.ts";
import { failedChange, mapFailure } from "../outcomes.ts";
import type { Redis } from "../redis.ts";
import type { IdempotencyTable } from "./idempotency-table.ts";
import type { Need, SongQuota } from "../shards/song-quota.ts";
import { BATCH } from "../scripts/batch.ts";

/** How many scripts of a batch are under way at a time. */
const WIDTH = 32;
/** How many songs of all batches are: plays wait behind them. */
const MOST_SONGS = 2048;
/** How often a script is tried again because shards have other heads, or no room. */
const MOST_TRIES = 100;
/** Fewest writers that a shard remembers: those who come while others are still about to end their requests. */
const WRITERS_A_SHARD = 1024;

/** How far a batch has come. */
interface Progress {
  counts: Float64Array;
  /** The newest fold that was sealed before all of its songs. */
  fold: number;
  /** Whether something of it has been added, now or by the same request before. */
  isBegun: boolean;
  /** Room that has to be there before anything is added. */
  needs: Need[];
}

/** What batches are added with. */
export interface BatchesParts {
  redis: Redis;
  generation: Generation;
  room: SongQuota;
  frozen: Frozen;
  requests: IdempotencyTable;
}

/** Adds to several songs at once, and to one by a request with a key. */
export class Batches {
  readonly #gate = new Semaphore(MOST_SONGS);
  readonly #redis: Redis;
  readonly #generation: Generation;
  readonly #room: SongQuota;
  readonly #frozen: Frozen;
  readonly #requests: IdempotencyTable;
  readonly #writersAShard: string;

  constructor({ redis, generation, room, frozen, requests }: BatchesParts, maxWriters: number) {
    this.#redis = redis;
    this.#generation = generation;
    this.#frozen = frozen;
    this.#room = room;
    this.#requests = requests;
    this.#writersAShard = String(Math.max(WRITERS_A_SHARD, Math.ceil(maxWriters / redis.layout.shards)));
  }

  /** Adds all or nothing; `kind` is the kind of the request. */
  async add(kind: string, plays: ReadonlyMap<string, number>, key?: RequestKey): Promise<BatchAddition> {
    const songs = [...plays];
    const batch = { songs, parts: divide(this.#redis.layout, songs), key, stamp: "" };
    if (key === undefined) return await this.#addParts(batch);
    const claim = await mapFailure(this.#requests.claim(key, fingerprintOf(kind, plays)), failedChange);
    if ("fold" in claim) {
      const { fold, counts } = claim;
      return counts === undefined
        ? { ...(await this.#countNow(batch)), fold }
        : { counts: Float64Array.from(counts), fold };
    }
    const addition = await this.#addClaimed({ ...batch, stamp: claim.stamp }, key);
    try {
      await this.#requests.confirm(key, addition);
    } catch {
      throw new UnknownOutcome(); // it was added, and is if it is sent again
    }
    return addition;
  }

  /** The counts of an answer that was not kept. */
  async #countNow({ songs, parts }: BatchRequest): Promise<BatchAddition> {
    const none = songs.map(([id]) => [id, 0] as const);
    return await this.#addParts({ songs: none, parts, key: undefined, stamp: "" });
  }

  async #addClaimed(batch: BatchRequest, key: RequestKey): Promise<BatchAddition> {
    try {
      return await this.#addParts(batch);
    } catch (error) {
      // Where that fails, the same request may still be sent again, and so it may if Redis could not be reached.
      if (error instanceof Refusal && error.reason !== "unavailable")
        await this.#requests.release(key).catch(() => {});
      throw error;
    }
  }

  /** @throws {Refusal} if nothing was added, {UnknownOutcome} if some of it may have been. */
  async #addParts(batch: BatchRequest): Promise<BatchAddition> {
    const rounds = roundsOf(this.#redis, batch.parts);
    const progress: Progress = {
      counts: new Float64Array(batch.songs.length),
      fold: Number.MAX_SAFE_INTEGER,
      isBegun: false,
      needs: [],
    };
    try {
      // A script checks all of its songs by itself.
      if (rounds.flat().length > 1) {
        await this.#runAll("check", batch, rounds.flat(), progress);
        await this.#room.askForAll(progress.needs);
      }
      for (const round of rounds) await this.#runAll("add", batch, round, progress);
    } catch (error) {
      throw progress.isBegun && error instanceof Refusal ? new UnknownOutcome() : error;
    }
    return { counts: progress.counts, fold: progress.fold };
  }

  async #runAll(
    mode: Mode,
    batch: BatchRequest,
    groups: readonly Part[][],
    progress: Progress,
  ): Promise<void> {
    const failures: unknown[] = [];
    await eachOf(groups.length, WIDTH, async (at) => {
      if (failures.length > 0) return;
      await this.#run(mode, batch, groups[at] as Part[], progress).catch((error) => failures.push(error));
    });
    if (failures.length === 0) return;
    const meant = failures.map(failedChange);
    const [first = meant[0]] = meant.filter((failure) => !(failure instanceof Refusal));
    throw first;
  }

  async #run(mode: Mode, batch: BatchRequest, group: readonly Part[], progress: Progress): Promise<void> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const generation = this.#generation.current();
      const command = commandOf(this.#redis.heads, {
        generation,
        mode,
        batch,
        group,
        writersAShard: this.#writersAShard,
      });
      const songs = group.reduce((sum, { places }) => sum + places.length, 0);
      const { shard } = group[0] as Part;
      const { keys, args } = command;
      const reply = await this.#gate.run(songs, () => this.#redis.onShard(shard, BATCH, keys, args));
      if (reply === null) {
        this.#generation.forget(generation);
        continue;
      }
      const [answer, begun, ...rest] = reply as string[];
      if (begun === "true") progress.isBegun = true;
      if (answer === "no") {
        const needs = this.#needsOf(rest, group);
        if (await this.#waitForFrozen(rest, group)) tries = 0;
        if (mode === "add") await this.#room.askForAll(needs);
        else if (rest.every((problem) => problem.startsWith("r"))) return void progress.needs.push(...needs);
        continue;
      }
      if (mode === "check") return;
      progress.isBegun = true;
      progress.fold = Math.min(progress.fold, command.fold, Number(rest[1]));
      const counts = (rest[0] as string).split(" ");
      let at = 0;
      for (const { places } of group)
        for (const place of places) progress.counts[place] = Number(counts[at++]);
      return;
    }
    throw new NotDone("shards have other heads, or no room, each time");
  }

  /** Waits if a shard is frozen; gives whether one is. */
  async #waitForFrozen(problems: readonly string[], group: readonly Part[]): Promise<boolean> {
    const frozen = problems.find((problem) => frozenBy(problem) !== undefined);
    if (frozen === undefined) return false;
    const { shard } = group[Number(frozen.slice(1).split(" ")[0])] as Part;
    await this.#frozen.wait(shard, frozenBy(frozen) as number);
    return true;
  }

  /** Learns from what kept a script from adding; gives what room it needs. */
  #needsOf(problems: readonly string[], group: readonly Part[]): Need[] {
    const overflow = problems.find((problem) => problem.startsWith("o"));
    if (overflow !== undefined) {
      const [count = 0, plays = 0] = overflow.slice(1).split(" ").map(Number);
      throw Refusal.overflow(count, plays);
    }
    const { heads } = this.#redis;
    if (problems.some((problem) => problem.startsWith("u"))) throw new UnknownOutcome();
    const failed = problems.find((problem) => problem.startsWith("e"));
    if (failed !== undefined) throw new NotDone(`a shard cannot be read: ${failed}`);
    const needs: Need[] = [];
    for (const problem of problems) {
      const [place = "", ...rest] = problem.slice(1).split(" ");
      const { shard } = group[Number(place)] as Part;
      if (problem.startsWith("h")) heads.learn(shard, rest[0] ?? "");
      else {
        const [songs = 0, left = 0, granted = 0] = rest.map(Number);
        needs.push({ shard, epoch: heads.of(shard).epoch, songs, left, granted });
      }
    }
    return needs;
  }
}

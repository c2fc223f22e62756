import { eachOf, runInTurns, Semaphore } from "../../../async.ts";
import { type BatchAddition, isTooLong, type SongPlays } from "../../count-store.ts";
import { Refusal, UnknownOutcome } from "../../refusal.ts";
import { Fingerprint, type RequestKey } from "../../request-key.ts";
import { NotDone } from "../cluster/failures.ts";
import { failedChange, mapFailure } from "../outcomes.ts";
import { divide, type PlacedSong, type Redis } from "../redis.ts";
import type { AddProblem, AddRequest, Part } from "../scripts/add.ts";

/** Largest number of songs of one script, unless they are all of one shard: about a millisecond. */
const MOST = 1024;
/** Number of scripts of a batch under way at a time, and of songs in the scripts of all batches. */
const [WIDTH, MOST_SONGS] = [32, 2048];
/** Attempts to add to shards whose heads change. */
const MOST_TRIES = 100;
/** Least number of writers that a shard remembers, for requests that are not confirmed yet. */
const WRITERS_A_SHARD = 1024;

/** Code units of a slice of hashing: a song is its id, and about 60 more. It takes about a millisecond. */
const [SLICE_WORK, SONG_WORK] = [100_000, 60];

type Claim = NonNullable<AddRequest["claim"]>;

/** Distinguishes the request for one song from a batch of one song. */
export type RequestKind = "song" | "batch";

export interface BatchesOptions {
  redis: Redis;
  maxWriters: number;
  /** Largest number of songs of a shard, and of all. */
  maxShardSongs: number;
  maxSongs: number;
  maxIdBytes: number;
}

/**
 * Adds to several songs, or to one with a key.
 *
 * A batch that needs several scripts is checked as a whole first. If the counts change between the check and
 * the last script, a part of it may be added: an unknown outcome.
 *
 * A request with a key is claimed at the place of its writer, added, and confirmed there. In between, each
 * shard that has added its part remembers the stamp of the claim. So a retry after any failure adds only the
 * parts that are missing.
 */
export class Batches {
  readonly #options: BatchesOptions;
  readonly #songs = new Semaphore(MOST_SONGS);
  readonly #writersAPlace: number;

  constructor(options: BatchesOptions) {
    this.#options = options;
    this.#writersAPlace = options.redis.layout.writersAPlace(options.maxWriters);
  }

  async add(kind: RequestKind, plays: SongPlays, key?: RequestKey): Promise<BatchAddition> {
    const { redis } = this.#options;
    const fingerprint = new Fingerprint(kind);
    const songs = await runInTurns(this.#place(plays, key && fingerprint));
    if (key === undefined) return await this.#add(songs);
    const maxWriters = this.#writersAPlace;
    const claiming = redis.writers(key, { verb: "claim", fingerprint: fingerprint.value, maxWriters });
    const claim = await mapFailure(claiming, failedChange);
    if (claim.kind === "stale") throw Refusal.staleKey(key.seq, claim.newest);
    if (claim.kind === "go") {
      const addition = await this.#addClaimed(kind, songs, key, claim.stamp);
      const [count] = kind === "song" ? addition.counts : [];
      await redis.writers(key, { verb: "confirm", fold: addition.fold, count, maxWriters }).catch(() => {
        throw new UnknownOutcome(); // a retry finds that it was added
      });
      return addition;
    }
    if (claim.kind !== "done") throw Refusal.keyReused(key.seq);
    if (claim.count !== undefined) return { counts: Float64Array.of(claim.count), fold: claim.fold };
    for (const song of songs) song.plays = 0;
    return { ...(await this.#add(songs)), fold: claim.fold };
  }

  /** Hashes the ids. Yields between slices of the work, which grows with the length of an id. */
  *#place(plays: SongPlays, fingerprint: Fingerprint | undefined): Generator<undefined, PlacedSong[]> {
    const { layout } = this.#options.redis;
    const songs: PlacedSong[] = [];
    let slice = 0;
    for (const [id, more] of plays) {
      if (isTooLong(id, this.#options.maxIdBytes)) throw Refusal.tooLong(this.#options.maxIdBytes);
      fingerprint?.add(id, more);
      songs.push({ id, plays: more, count: 0, fold: 0, shard: layout.shardOf(id) });
      slice += SONG_WORK + id.length;
      if (slice < SLICE_WORK) continue;
      slice = 0;
      yield;
    }
    return songs;
  }

  async #addClaimed(
    kind: RequestKind,
    songs: readonly PlacedSong[],
    key: RequestKey,
    stamp: string,
  ): Promise<BatchAddition> {
    const { redis, maxWriters } = this.#options;
    const writersAShard = Math.max(WRITERS_A_SHARD, Math.ceil(maxWriters / redis.layout.shards));
    try {
      const claim = { writer: key.writer, stamp, maxWriters: writersAShard };
      return await this.#add(songs, claim, kind === "song" ? "one" : "add");
    } catch (error) {
      // If the release fails, or Redis could not be reached, a retry is still possible.
      if (error instanceof Refusal && error.reason !== "unavailable")
        await redis.writers(key, { verb: "release" }).catch(() => {});
      throw error;
    }
  }

  /** @throws {Refusal} if nothing was added, {UnknownOutcome} if a part of it may have been. */
  async #add(
    songs: readonly PlacedSong[],
    claim?: Claim,
    adding: "add" | "one" = "add",
  ): Promise<BatchAddition> {
    const { redis, maxShardSongs: maxSongs } = this.#options;
    // Of a batch without songs, the fold is that of any song.
    const parts = divide(songs.length > 0 ? songs : [{ id: "", plays: 0, count: 0, fold: 0, shard: 0 }]);
    const groups = groupsOf(redis, parts);
    const progress = { isBegun: false };
    const runAll = (mode: AddRequest["mode"]) =>
      forAll(groups, (parts) => this.#run({ mode, parts, maxSongs, claim }, progress));
    try {
      if (groups.length > 1) await runAll("check"); // a script checks its own songs
      await runAll(adding);
    } catch (error) {
      throw progress.isBegun && error instanceof Refusal ? new UnknownOutcome() : error;
    }
    const fold = Math.min(...parts.map((part) => part.songs[0]?.fold as number));
    return { counts: Float64Array.from(songs, ({ count }) => count), fold };
  }

  async #run(request: AddRequest, progress: { isBegun: boolean }): Promise<void> {
    const { redis } = this.#options;
    const size = request.parts.reduce((sum, { songs }) => sum + songs.length, 0);
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const reply = await this.#songs.run(size, () => redis.add(request));
      if (reply.isBegun || (request.mode !== "check" && !reply.isRefused)) progress.isBegun = true;
      if (!reply.isRefused) return;
      this.#refuse(reply.problems);
    }
    throw new NotDone("the heads of shards change each time");
  }

  /** Returns if the request can be tried again, with other heads. */
  #refuse(problems: readonly AddProblem[]): void {
    for (const problem of problems)
      if (problem.kind === "overflow")
        throw Refusal.overflow(problem.count, problem.song.plays, problem.kept);
    for (const problem of problems) {
      if (problem.kind === "forgotten") throw new UnknownOutcome();
      if (problem.kind === "full") throw Refusal.full(this.#options.maxSongs);
      if (problem.kind === "broken") throw new NotDone(`a shard cannot be read: ${problem.error}`);
    }
  }
}

/** Runs `act` for each group. If some fail, throws an unknown outcome before a refusal. */
async function forAll(groups: readonly Part[][], act: (parts: Part[]) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  await eachOf(groups.length, WIDTH, async (at) => {
    if (failures.length > 0) return;
    await act(groups[at] as Part[]).catch((error) => failures.push(failedChange(error)));
  });
  const [first = failures[0]] = failures.filter((failure) => !(failure instanceof Refusal));
  if (first !== undefined) throw first;
}

/** Groups the parts by the script that adds them. */
function groupsOf(redis: Redis, parts: readonly Part[]): Part[][] {
  const groups: Part[][] = [];
  const open = new Map<number, { parts: Part[]; size: number }>();
  for (const part of parts) {
    const number = redis.groupOf(part.shard);
    let last = open.get(number);
    if (last === undefined || last.size + part.songs.length > MOST) {
      open.set(number, (last = { parts: [], size: 0 }));
      groups.push(last.parts);
    }
    last.parts.push(part);
    last.size += part.songs.length;
  }
  return groups;
}

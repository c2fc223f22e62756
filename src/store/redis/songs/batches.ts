import { eachOf, Semaphore } from "../../../async/concurrency.ts";
import { runInTurns, WorkSlice } from "../../../async/turns.ts";
import type { BatchAddition, SongPlays } from "../../count-store.ts";
import { pack } from "../../packed-plays.ts";
import { Refusal, UnknownOutcome } from "../../refusal.ts";
import type { RequestKey } from "../../request-key.ts";
import { errorOf, failedChange, failedReading, mapFailure, unreachable } from "../outcomes.ts";
import { MOST_TRIES, type Redis } from "../redis.ts";
import type { AddRequest } from "../scripts/add.ts";
import { decodeClaim } from "../scripts/writers.ts";

/** Largest number of songs of one script, unless they are all of one shard: about a millisecond. */
const MOST = 1024;
/** Number of scripts of a batch under way at a time, and of songs in the scripts of all batches. */
const [WIDTH, MOST_SONGS] = [32, 2048];
/** Code units of a slice of hashing: a song is its id, and about 60 more. It takes about a millisecond. */
const [SLICE_WORK, SONG_WORK] = [100_000, 60];

/** A request for one song differs from a batch of one song. */
type RequestKind = "song" | "batch";

/** A song of a batch. `count` is the new count, once it was added. */
interface BatchSong {
  readonly id: string;
  readonly shard: number;
  plays: number;
  count: number;
}

/** The songs of one script. `fold` is the newest fold before, once they were added. */
interface Group {
  readonly songs: BatchSong[];
  /** Numbers of songs that stand together, of one shard. */
  readonly sizes: number[];
  fold: number;
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
  readonly #redis: Redis;
  readonly #songs = new Semaphore(MOST_SONGS);

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async add(kind: RequestKind, plays: SongPlays, key?: RequestKey): Promise<BatchAddition> {
    const packed = await runInTurns(pack(plays, this.#redis.settings));
    const songs = await runInTurns(this.#place(packed));
    if (key === undefined) return await this.#add(songs, "add");
    const fingerprint = await runInTurns(packed.fingerprint(kind));
    const claiming = this.#redis.writers(key, "claim", fingerprint);
    const claim = decodeClaim(await mapFailure(claiming, failedChange));
    if (claim.kind === "stale") throw Refusal.staleKey(key.seq, claim.newest);
    if (claim.kind === "reused") throw Refusal.keyReused(key.seq);
    if (claim.kind === "go") return await this.#addClaimed(kind, songs, key, claim.stamp);
    const { fold, count } = claim;
    if (count !== undefined) return { counts: Float64Array.of(count), fold };
    for (const song of songs) song.plays = 0;
    return { ...(await this.#add(songs, "add")), fold };
  }

  /** Hashes the ids. Yields between slices of the work, which grows with the length of an id. */
  *#place(plays: SongPlays): Generator<undefined, BatchSong[]> {
    const { layout } = this.#redis;
    const songs: BatchSong[] = [];
    const slice = new WorkSlice(SLICE_WORK);
    for (const [id, more] of plays) {
      songs.push({ id, plays: more, count: 0, shard: layout.shardOf(id) });
      if (slice.isFull(SONG_WORK + id.length)) yield;
    }
    return songs;
  }

  async #addClaimed(
    kind: RequestKind,
    songs: readonly BatchSong[],
    key: RequestKey,
    stamp: string,
  ): Promise<BatchAddition> {
    const isSong = kind === "song";
    const adding = this.#add(songs, isSong ? "one" : "add", { writer: key.writer, stamp });
    const addition = await adding.catch(async (error) => {
      // If the release fails, or Redis could not be reached, a retry is still possible.
      if (error instanceof Refusal && error.reason !== "unavailable")
        await this.#redis.writers(key, "release").catch(() => {});
      throw error;
    });
    const { fold, counts } = addition;
    await this.#redis.writers(key, "confirm", fold, ...(isSong ? counts : [])).catch(() => {
      throw new UnknownOutcome(); // a retry finds that it was added
    });
    return addition;
  }

  /** @throws {Refusal} if nothing was added, {UnknownOutcome} if a part of it may have been. */
  async #add(
    songs: readonly BatchSong[],
    adding: "add" | "one",
    claim?: AddRequest["claim"],
  ): Promise<BatchAddition> {
    // Of a batch without songs, the fold is that of any song.
    const some = songs.length > 0 ? songs : [{ id: "", plays: 0, count: 0, shard: 0 }];
    const groups = groupsOf(this.#redis, some);
    const progress = { isBegun: false };
    const runAll = (mode: AddRequest["mode"]) =>
      forAll(groups, mode === "check" ? failedReading : failedChange, (group) =>
        this.#run(group, { ...group, mode, claim }, progress),
      );
    try {
      if (groups.length > 1) await runAll("check"); // a script checks its own songs
      await runAll(adding);
    } catch (error) {
      throw progress.isBegun && error instanceof Refusal ? new UnknownOutcome() : error;
    }
    const counts = new Float64Array(songs.length);
    for (const [at, { count }] of songs.entries()) counts[at] = count;
    return { counts, fold: Math.min(...groups.map(({ fold }) => fold)) };
  }

  async #run(group: Group, request: AddRequest, progress: { isBegun: boolean }): Promise<void> {
    const { songs } = group;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const reply = await this.#songs.run(songs.length, () => this.#redis.add(request));
      const { isRefused, isBegun, counts, folds } = reply;
      if (isBegun || (request.mode !== "check" && !isRefused)) progress.isBegun = true;
      if (!isRefused) {
        group.fold = Math.min(...folds);
        for (const [at, count] of counts.entries()) (songs[at] as BatchSong).count = count as number;
        return;
      }
      const problems = reply.problems.filter(({ kind }) => kind !== "head");
      const problem = problems.find(({ kind }) => kind === "overflow") ?? problems[0];
      if (problem !== undefined) throw errorOf(problem, songs, this.#redis.settings.maxSongs);
    }
    throw unreachable(); // the heads of shards change each time
  }
}

/** Runs `act` for each group. If some fail, throws an unknown outcome before a refusal. */
async function forAll(
  groups: readonly Group[],
  meant: (error: unknown) => unknown,
  act: (group: Group) => Promise<void>,
): Promise<void> {
  const failures: unknown[] = [];
  await eachOf(groups.length, WIDTH, async (at) => {
    if (failures.length > 0) return;
    await act(groups[at] as Group).catch((error) => failures.push(meant(error)));
  });
  const [first = failures[0]] = failures.filter((failure) => !(failure instanceof Refusal));
  if (first !== undefined) throw first;
}

/** Divides songs by the scripts that add them, those of a shard together. */
function groupsOf(redis: Redis, songs: readonly BatchSong[]): Group[] {
  const groups: Group[] = [];
  const open = new Map<number, Group>();
  for (const [shard, some] of Map.groupBy(songs, (song) => song.shard)) {
    const number = redis.groupOf(shard);
    let last = open.get(number);
    if (last === undefined || last.songs.length + some.length > MOST) {
      open.set(number, (last = { songs: [], sizes: [], fold: 0 }));
      groups.push(last);
    }
    for (const song of some) last.songs.push(song);
    last.sizes.push(some.length);
  }
  return groups;
}

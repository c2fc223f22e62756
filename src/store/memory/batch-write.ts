import { runAtOnce } from "../../async/turns.ts";
import type { BatchAddition, SongPlays } from "../count-store.ts";
import { Refusal } from "../refusal.ts";
import { inSlices } from "../packed-batch.ts";
import { pack, PackedPlays } from "../packed-plays.ts";
import { fingerprintOfSong, type KeyedRequest, type RequestKey } from "../request-key.ts";
import { BatchColumns } from "./batch-columns.ts";
import { NUMBERS_PER_REQUEST } from "./last-requests.ts";
import type { Shards } from "./shards.ts";
import type { StoreHandle } from "./store-handle.ts";

// A batch is added in steps:
//   pack     Packs and hashes the ids, without a lock.
//   look     Finds each song's entry and its plays in the folds. Refuses what cannot be added.
//   insert   Makes entries without plays for songs that have none. No reader sees them.
//   write    Checks the open counts again, and writes all of them, and the writer's last request, through the
//            journal, with the locks of all songs, taken in ascending order.
//
// A small batch holds the locks from look on. A large one looks and inserts in slices, locks one song at a
// time, and yields between slices, so it blocks neither the event loop nor other threads. What it found stays
// true while the sets are the same: folds do not change, and entries never move. The ring's stamp tells. If
// they have changed, the batch begins again; after a few attempts as a small one, in one long step.
//
// If the thread dies before the journal is set, nothing is counted; after that, recovery completes the batch.
// Not guaranteed: a batch that is refused when it is written, as others took the last room meanwhile, leaves
// entries without plays until their songs are played or their set is dropped.

const ATTEMPTS_IN_SLICES = 4;

/** Plays that will have been added before, by entry. */
type Staged = ReadonlyMap<number, number>;

/**
 * Adds to several songs as one change, and keeps the last request of each writer: {@linkcode
 * CountStore.addAll}, and {@linkcode CountStore.add} with a key.
 */
export class BatchWrite {
  readonly #shards: Shards;
  readonly #handle: StoreHandle;

  constructor(shards: Shards, handle: StoreHandle) {
    this.#shards = shards;
    this.#handle = handle;
  }

  /** Adds to all songs. With `key`, returns the answer to the same request if it is its writer's last. */
  *add(plays: SongPlays, key?: RequestKey): Generator<undefined, BatchAddition> {
    const packed = yield* pack(plays, this.#handle);
    const keyed = key && { key, fingerprint: yield* packed.fingerprint("batch") };
    return yield* this.#add(new BatchColumns(packed, this.#shards), keyed);
  }

  /** Adds to one song, as {@linkcode add} does. */
  addOne(id: string, plays: number, key: RequestKey): BatchAddition {
    const packed = new PackedPlays(this.#handle);
    packed.add(id, 0, id.length, plays);
    const songs = new BatchColumns(packed, this.#shards);
    return runAtOnce(this.#add(songs, { key, fingerprint: fingerprintOfSong(id, plays) }));
  }

  /** Returns the answer to a request if it is its writer's last. Throws as `CountStore.add` does. */
  *recall(keyed: KeyedRequest, songs: BatchColumns): Generator<undefined, BatchAddition | undefined> {
    const { lastRequests } = this.#shards;
    const recalled = lastRequests.whileLocked(() => lastRequests.recall(keyed, songs.size));
    if (recalled === undefined) return undefined;
    const { fold, counts } = recalled;
    if (counts !== undefined) return { counts, fold };
    const read = (first: number, end: number) => {
      for (let song = first; song < end; song++) {
        songs.load(song, this.#shards.id);
        songs.counts[song] = this.#shards.playsIn(songs.shards[song] as number);
      }
    };
    yield* inSlices(songs.batch, read, this.#shards.ring.length);
    return { counts: songs.counts, fold };
  }

  /**
   * Checks that all songs can be added, and makes entries for the new ones. Yields between slices.
   *
   * @throws {Refusal} as {@linkcode CountStore.add} does. No count has changed then.
   */
  *prepare(songs: BatchColumns, staged?: Staged): Generator<undefined, void> {
    const { heap, ring } = this.#shards;
    const hasFolds = ring.newest !== 0;
    songs.newestSets = hasFolds ? (songs.newestSets ?? new Int32Array(songs.size)) : undefined;
    songs.keptPlays = hasFolds ? (songs.keptPlays ?? new Float64Array(songs.size)) : undefined;
    songs.added = 0;
    // As of now: others may add songs of this batch after they were found to be new. They would count twice.
    const { songs: before } = heap;
    const { stamp } = ring;
    yield* inSlices(songs.batch, (first, end) => this.#look(songs, first, end, staged), ring.length);
    const { maxSongs } = this.#handle;
    const isFull = songs.added > 0 && before + songs.added > maxSongs;
    if (isFull && ring.stamp === stamp) throw Refusal.full(maxSongs);
    yield* inSlices(songs.batch, (first, end) => this.#insert(songs, first, end));
  }

  /**
   * Computes the new counts of prepared songs, and claims room for the new ones. No other thread may change
   * the songs until they are written.
   *
   * @throws {Refusal} as {@linkcode prepare} does.
   */
  reserve(songs: BatchColumns, staged?: Staged): BatchAddition {
    const { heap, ring } = this.#shards;
    const { counts, entries } = songs;
    songs.added = 0;
    for (let song = 0; song < songs.size; song++) {
      const entry = (entries[song] as number) || this.#find(songs, song);
      const open = this.#playsOf(entry, staged);
      songs.check(song, open);
      counts[song] = (counts[song] as number) + open + (songs.batch.plays[song] as number);
    }
    if (songs.added > 0) heap.claimSongs(songs.added, this.#handle.maxSongs);
    return { counts, fold: ring.newest };
  }

  *#add(songs: BatchColumns, keyed?: KeyedRequest): Generator<undefined, BatchAddition> {
    for (let attempts = 0; ; attempts++) {
      const recalled = keyed && (yield* this.recall(keyed, songs));
      if (recalled !== undefined) return recalled;
      const stamp = songs.isLarge && attempts < ATTEMPTS_IN_SLICES ? this.#shards.ring.stamp : undefined;
      if (stamp !== undefined) yield* this.prepare(songs);
      const addition = this.#commit(songs, stamp, keyed);
      if (addition !== undefined) return addition;
    }
  }

  /** Without a stamp, prepares the songs too. Returns `undefined` if it or the last request has changed. */
  #commit(
    songs: BatchColumns,
    stamp: number | undefined,
    keyed: KeyedRequest | undefined,
  ): BatchAddition | undefined {
    const { lastRequests, ring } = this.#shards;
    const write = () =>
      this.#shards.whileLocked(songs.shardsToLock, () => {
        if (stamp !== undefined && ring.stamp !== stamp) return undefined;
        songs.isLocked = true;
        if (stamp === undefined) runAtOnce(this.prepare(songs));
        return this.#write(songs, keyed);
      });
    if (keyed === undefined) return write();
    return lastRequests.whileLocked(() =>
      lastRequests.recall(keyed, songs.size) === undefined ? write() : undefined,
    );
  }

  #write(songs: BatchColumns, keyed: KeyedRequest | undefined): BatchAddition {
    const { heap, journal, lastRequests, ring } = this.#shards;
    const { entries, size } = songs;
    const addition = this.reserve(songs);
    if (!journal.begin(size + NUMBERS_PER_REQUEST)) {
      heap.unclaimSongs(songs.added);
      throw Refusal.noMemory();
    }
    for (let song = 0; song < size; song++) {
      const plays = songs.batch.plays[song] as number;
      if (plays === 0) continue;
      const entry = entries[song] as number;
      const before = heap.numbers[entry] as number;
      journal.note(entry, before + plays);
      const newest = before === 0 && songs.newestSets !== undefined ? (songs.newestSets[song] as number) : -1;
      if (newest !== -1) ring.loseSong(newest);
    }
    if (keyed !== undefined) {
      lastRequests.remember(keyed, addition, (unit, value) => journal.note(-unit, value));
    }
    journal.commit();
    return addition;
  }

  /** Finds songs, and checks them. */
  #look(songs: BatchColumns, first: number, end: number, staged: Staged | undefined): void {
    const { ring } = this.#shards;
    const { newestSets, keptPlays } = songs;
    for (let song = first; song < end; song++) {
      const shard = songs.shards[song] as number;
      if (!songs.isLocked) this.#shards.lock(shard);
      const entry = this.#find(songs, song);
      const open = this.#playsOf(entry, staged);
      songs.counts[song] = 0;
      if (newestSets !== undefined && keptPlays !== undefined) {
        keptPlays[song] = this.#shards.sum(shard, ring.kept, ring.firstCounted);
        songs.counts[song] = this.#shards.sum(shard, ring.firstCounted, ring.open);
        newestSets[song] = this.#shards.newestPlayed;
      }
      if (!songs.isLocked) this.#shards.unlock(shard);
      songs.entries[song] = entry;
      songs.check(song, open);
    }
  }

  /** Makes entries for songs that are to get plays and have none. Another thread may have made them. */
  #insert(songs: BatchColumns, first: number, end: number): void {
    for (let song = first; song < end; song++) {
      if (songs.entries[song] !== 0 || songs.batch.plays[song] === 0) continue;
      const shard = songs.shards[song] as number;
      if (!songs.isLocked) this.#shards.lock(shard);
      const entry = this.#find(songs, song) || this.#shards.openShard(shard).insert(this.#shards.id);
      if (!songs.isLocked) this.#shards.unlock(shard);
      if (entry === 0) throw Refusal.noMemory();
      songs.entries[song] = entry;
    }
  }

  /** Returns the plays of an entry of the open set, those that will have been added before included. */
  #playsOf(entry: number, staged: Staged | undefined): number {
    return entry === 0 ? 0 : (this.#shards.heap.numbers[entry] as number) + (staged?.get(entry) ?? 0);
  }

  /** Returns the entry of a song, or 0. The caller holds its shard's lock. */
  #find(songs: BatchColumns, song: number): number {
    songs.load(song, this.#shards.id);
    return this.#shards.openShard(songs.shards[song] as number).find(this.#shards.id);
  }
}

import { runAtOnce } from "../../async/turns.ts";
import { type BatchAddition, MAX_COUNT, type SongPlays } from "../count-store.ts";
import { Refusal } from "../refusal.ts";
import { Fingerprint, fingerprintOfSong, type RequestKey } from "../request-key.ts";
import { BatchColumns, BatchPacker } from "./batch-columns.ts";
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
// true while the sets are the same: folds do not change, and entries never move. The ring's stamp tells. If a
// fold was sealed, acknowledged or cleared meanwhile, the batch begins again; after a few attempts as a small
// one, in one long step.
//
// If the thread dies before the journal is set, nothing is counted; after that, recovery completes the batch.
// Not guaranteed: a batch that is refused when it is written, as others took the last room meanwhile, leaves
// entries without plays until their songs are played or their set is dropped.

const ATTEMPTS_IN_SLICES = 4;

/** A request that is kept with its answer. */
export interface KeyedRequest {
  key: RequestKey;
  fingerprint: number;
}

/** Plays that will have been added before, by entry. */
type Staged = ReadonlyMap<number, number>;

/**
 * Adds to several songs as one change, and keeps the last request of each writer: {@linkcode
 * CountStore.addAll}, and {@linkcode CountStore.add} with a key.
 */
export class BatchWrite {
  readonly #shards: Shards;
  readonly #packer: BatchPacker;
  readonly #maxSongs: number;

  constructor(shards: Shards, handle: StoreHandle) {
    this.#shards = shards;
    this.#packer = new BatchPacker(handle);
    this.#maxSongs = handle.maxSongs;
  }

  /** Adds to all songs. With `key`, returns the answer to the same request if it is its writer's last. */
  *add(plays: SongPlays, key?: RequestKey): Generator<undefined, BatchAddition> {
    const fingerprint = key && new Fingerprint("batch");
    const songs = new BatchColumns(yield* this.#packer.pack(plays, fingerprint), this.#shards.shardCount);
    return yield* this.#add(songs, key && fingerprint && { key, fingerprint: fingerprint.value });
  }

  /** Adds to one song, as {@linkcode add} does. */
  addOne(id: string, plays: number, key: RequestKey): BatchAddition {
    const packed = runAtOnce(this.#packer.pack(new Map([[id, plays]])));
    const songs = new BatchColumns(packed, this.#shards.shardCount);
    return runAtOnce(this.#add(songs, { key, fingerprint: fingerprintOfSong(id, plays) }));
  }

  /** Returns the answer to a request if it is its writer's last. Throws as `CountStore.add` does. */
  *recall(
    { key, fingerprint }: KeyedRequest,
    songs: BatchColumns,
  ): Generator<undefined, BatchAddition | undefined> {
    const { lastRequests } = this.#shards;
    const recalled = lastRequests.whileLocked(() => lastRequests.recall(key, fingerprint, songs.songCount));
    if (recalled === undefined) return undefined;
    const { fold, counts } = recalled;
    if (counts !== undefined) return { counts, fold };
    yield* songs.each((song) => {
      songs.load(song, this.#shards.id);
      songs.counts[song] = this.#shards.playsIn(songs.shards[song] as number);
    });
    return { counts: songs.counts, fold };
  }

  /**
   * Checks that all songs can be added, and makes entries for the new ones. Yields between slices.
   *
   * @throws {Refusal} as {@linkcode CountStore.add} does. No count has changed then.
   */
  *prepare(songs: BatchColumns, staged?: Staged): Generator<undefined, void> {
    let added = 0;
    yield* songs.each((song) => {
      if (this.#look(songs, song, staged)) added++;
    });
    if (added > 0 && this.#shards.heap.songs + added > this.#maxSongs) throw Refusal.full(this.#maxSongs);
    yield* songs.each((song) => this.#insert(songs, song));
  }

  /**
   * Computes the new counts of prepared songs, and claims room for the new ones. No other thread may change
   * the songs until they are written.
   *
   * @throws {Refusal} as {@linkcode prepare} does.
   */
  reserve(songs: BatchColumns, staged?: Staged): BatchAddition {
    const { heap, ring } = this.#shards;
    songs.added = 0;
    for (let song = 0; song < songs.songCount; song++) {
      const entry = (songs.entries[song] as number) || this.#find(songs, song);
      songs.before[song] = entry === 0 ? 0 : (heap.numbers[entry] as number) + (staged?.get(entry) ?? 0);
      if (this.#check(songs, song)) songs.added++;
    }
    if (songs.added > 0 && !heap.claimSongs(songs.added, this.#maxSongs)) throw Refusal.full(this.#maxSongs);
    return { counts: songs.counts, fold: ring.newest };
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
      this.#shards.whileLocked(songs.shards, () => {
        if (stamp !== undefined && ring.stamp !== stamp) return undefined;
        songs.isLocked = true;
        if (stamp === undefined) runAtOnce(this.prepare(songs));
        return this.#write(songs, keyed);
      });
    if (keyed === undefined) return write();
    const { key, fingerprint } = keyed;
    return lastRequests.whileLocked(() =>
      lastRequests.recall(key, fingerprint, songs.songCount) === undefined ? write() : undefined,
    );
  }

  #write(songs: BatchColumns, keyed: KeyedRequest | undefined): BatchAddition {
    const { heap, journal, lastRequests, ring } = this.#shards;
    const addition = this.reserve(songs);
    if (!journal.begin(songs.songCount + NUMBERS_PER_REQUEST)) {
      heap.unclaimSongs(songs.added);
      throw Refusal.noMemory();
    }
    for (let song = 0; song < songs.songCount; song++) {
      const plays = songs.plays[song] as number;
      if (plays === 0) continue;
      const before = songs.before[song] as number;
      journal.note(songs.entries[song] as number, before + plays);
      if (before === 0 && songs.newest[song] !== -1) ring.loseSong(songs.newest[song] as number);
    }
    if (keyed !== undefined) {
      const write = (unit: number, value: number) => journal.noteRequest(unit, value);
      lastRequests.remember(keyed.key, keyed.fingerprint, addition, write);
    }
    journal.commit();
    return addition;
  }

  /** Fills in the columns of a song, and returns true if the song is new. */
  #look(songs: BatchColumns, song: number, staged: Staged | undefined): boolean {
    const { ring, heap, id } = this.#shards;
    songs.load(song, id);
    const shard = songs.shards[song] as number;
    if (!songs.isLocked) this.#shards.lock(shard);
    const entry = this.#shards.openShard(shard).find(id);
    const before = entry === 0 ? 0 : (heap.numbers[entry] as number) + (staged?.get(entry) ?? 0);
    const kept = this.#shards.sum(shard, 0, ring.firstCounted);
    let [sealed, newest] = [0, -1];
    for (let place = ring.firstCounted; place < ring.length - 1; place++) {
      const plays = this.#shards.sum(shard, place, place + 1);
      if (plays > 0) newest = place;
      sealed += plays;
    }
    if (!songs.isLocked) this.#shards.unlock(shard);
    songs.entries[song] = entry;
    songs.before[song] = before;
    songs.sealed[song] = sealed;
    songs.kept[song] = kept;
    songs.newest[song] = newest;
    return this.#check(songs, song);
  }

  /** Computes the new count of a song, and returns true if the song has no plays yet and is to get some. */
  #check(songs: BatchColumns, song: number): boolean {
    const plays = songs.plays[song] as number;
    const all = (songs.sealed[song] as number) + (songs.before[song] as number);
    const kept = songs.kept[song] as number;
    if (plays > MAX_COUNT - kept - all) throw Refusal.overflow(all, plays, kept);
    songs.counts[song] = all + plays;
    return plays > 0 && all === 0;
  }

  /** Makes an entry for a song that is to get plays. Another thread may have made it. */
  #insert(songs: BatchColumns, song: number): void {
    if (songs.plays[song] === 0 || songs.entries[song] !== 0) return;
    const shard = songs.shards[song] as number;
    if (!songs.isLocked) this.#shards.lock(shard);
    const entry = this.#find(songs, song) || this.#shards.openShard(shard).insert(this.#shards.id);
    if (!songs.isLocked) this.#shards.unlock(shard);
    if (entry === 0) throw Refusal.noMemory();
    songs.entries[song] = entry;
  }

  /** Returns the entry of a song, or 0. The caller holds its shard's lock. */
  #find(songs: BatchColumns, song: number): number {
    songs.load(song, this.#shards.id);
    return this.#shards.openShard(songs.shards[song] as number).find(this.#shards.id);
  }
}

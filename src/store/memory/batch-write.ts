import { type BatchAddition, MAX_COUNT } from "../count-store.ts";
import { Refusal } from "../refusal.ts";
import { fingerprintOf, type RequestKey } from "../request-key.ts";
import { BatchColumns, BatchPacker } from "./batch-columns.ts";
import { NUMBERS_PER_REQUEST } from "./last-requests.ts";
import type { Shards } from "./shards.ts";
import type { StoreHandle } from "./store-handle.ts";

/** A request that is kept with its answer. */
export interface KeyedRequest {
  key: RequestKey;
  fingerprint: number;
}

/**
 * Adds to several songs as one change, and keeps the last request of each writer: {@linkcode
 * CountStore.addAll}, and {@linkcode CountStore.add} with a key.
 *
 * It locks the shards of all songs in ascending order, checks every song, makes entries for the new ones, and
 * writes all counts, and the writer's last request, through the journal.
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

  /** Adds to all songs. */
  add(plays: ReadonlyMap<string, number>): BatchAddition {
    return this.#add(this.#pack(plays));
  }

  /** Adds to all songs, or returns the answer to the same request if it is the last one of its writer. */
  addOnce(kind: string, plays: ReadonlyMap<string, number>, key: RequestKey): BatchAddition {
    const songs = this.#pack(plays);
    const keyed = { key, fingerprint: fingerprintOf(kind, plays) };
    return this.#shards.lastRequests.whileLocked(() => this.#recall(keyed, songs) ?? this.#add(songs, keyed));
  }

  /**
   * Returns the answer to a request if it is the last one of its writer. Throws as {@linkcode CountStore.add}
   * does.
   */
  recall(keyed: KeyedRequest, songs: BatchColumns): BatchAddition | undefined {
    return this.#shards.lastRequests.whileLocked(() => this.#recall(keyed, songs));
  }

  /**
   * Checks that all songs can be added, and makes entries for the new ones. `staged` has plays, by entry,
   * that will have been added before; without it the caller holds the locks of all songs. With it this thread
   * is the only one that changes the store, and locks one song at a time: readers hardly wait.
   *
   * @throws {Refusal} as {@linkcode CountStore.add} does. Nothing has changed then.
   */
  reserve(songs: BatchColumns, staged?: ReadonlyMap<number, number>): BatchAddition {
    const { heap, ring } = this.#shards;
    songs.added = 0;
    for (let song = 0; song < songs.songCount; song++) songs.added += Number(this.#look(songs, song, staged));
    if (songs.added > 0 && !heap.claimSongs(songs.added, this.#maxSongs)) throw Refusal.full(this.#maxSongs);
    for (let song = 0; song < songs.songCount; song++) {
      if (songs.plays[song] === 0 || songs.entries[song] !== 0) continue;
      // If memory is used up for a later song, this entry stays without plays, and no reader sees it.
      if (!this.#insert(songs, song, staged !== undefined)) throw this.#noMemory(songs);
    }
    return { counts: songs.counts, fold: ring.newest };
  }

  /** Runs `act` with the locks of some shards. */
  whileLocked<T>(some: Int32Array, act: () => T): T {
    const shards = distinct(some, this.#shards.shardCount);
    for (const shard of shards) this.#shards.lock(shard);
    try {
      return act();
    } finally {
      for (const shard of shards) this.#shards.unlock(shard);
    }
  }

  #pack(plays: ReadonlyMap<string, number>): BatchColumns {
    return new BatchColumns(this.#packer.pack(plays), this.#shards.shardCount);
  }

  #add(songs: BatchColumns, keyed?: KeyedRequest): BatchAddition {
    return this.whileLocked(songs.shards, () => {
      const addition = this.reserve(songs);
      if (!this.#shards.journal.begin(songs.songCount + NUMBERS_PER_REQUEST)) throw this.#noMemory(songs);
      this.#write(songs, addition, keyed);
      return addition;
    });
  }

  #recall({ key, fingerprint }: KeyedRequest, songs: BatchColumns): BatchAddition | undefined {
    const recalled = this.#shards.lastRequests.recall(key, fingerprint, songs.songCount);
    if (recalled === undefined) return undefined;
    const { fold, counts = songs.counts.map((_, song) => this.#playsOf(songs, song)) } = recalled;
    return { counts, fold };
  }

  #playsOf(songs: BatchColumns, song: number): number {
    songs.load(song, this.#shards.id);
    return this.#shards.playsIn(songs.shards[song] as number);
  }

  #noMemory({ added }: BatchColumns): Refusal {
    this.#shards.heap.unclaimSongs(added);
    return Refusal.noMemory();
  }

  /** Fills in the columns of a song, and returns true if the song is new. */
  #look(songs: BatchColumns, song: number, staged: ReadonlyMap<number, number> | undefined): boolean {
    const { ring, heap, id } = this.#shards;
    songs.load(song, id);
    const shard = songs.shards[song] as number;
    const plays = songs.plays[song] as number;
    if (staged !== undefined) this.#shards.lock(shard);
    const entry = this.#shards.openShard(shard).find(id);
    const before = entry === 0 ? 0 : (heap.numbers[entry] as number) + (staged?.get(entry) ?? 0);
    let [sealed, kept] = [0, 0];
    if (ring.length > 1) {
      sealed = this.#shards.sum(shard, ring.firstCounted, ring.length - 1);
      kept = this.#shards.sum(shard, 0, ring.firstCounted);
    }
    const isNew = plays > 0 && sealed + before === 0;
    if (staged !== undefined) this.#shards.unlock(shard);
    if (plays > MAX_COUNT - kept - sealed - before) throw Refusal.overflow(sealed + before, plays, kept);
    songs.entries[song] = entry;
    songs.before[song] = before;
    songs.counts[song] = sealed + before + plays;
    return isNew;
  }

  /** Makes an entry for a song. Returns false if memory is used up. */
  #insert(songs: BatchColumns, song: number, hasToLock: boolean): boolean {
    const shard = songs.shards[song] as number;
    songs.load(song, this.#shards.id);
    if (hasToLock) this.#shards.lock(shard);
    songs.entries[song] = this.#shards.openShard(shard).insert(this.#shards.id);
    if (hasToLock) this.#shards.unlock(shard);
    return songs.entries[song] !== 0;
  }

  #write(songs: BatchColumns, { counts, fold }: BatchAddition, keyed: KeyedRequest | undefined): void {
    const { journal, lastRequests, id } = this.#shards;
    for (let at = 0; at < songs.songCount; at++) {
      const plays = songs.plays[at] as number;
      const before = songs.before[at] as number;
      if (plays === 0) continue;
      journal.note(songs.entries[at] as number, before + plays);
      if (before > 0 || counts[at] === plays) continue;
      songs.load(at, id);
      this.#shards.moveToOpen(songs.shards[at] as number);
    }
    if (keyed !== undefined) {
      const write = (unit: number, value: number) => journal.noteRequest(unit, value);
      lastRequests.remember(keyed.key, keyed.fingerprint, { fold, counts }, write);
    }
    journal.commit();
  }
}

/**
 * Returns each of `shards`, numbers below `count`, once and in ascending order: otherwise two threads could
 * deadlock.
 */
function distinct(shards: Int32Array, count: number): ArrayLike<number> & Iterable<number> {
  if (shards.length === 1) return shards;
  if (shards.length === 0) return [0]; // an empty batch reads the ring, for which one lock is needed
  const sets = new Int32Array(count / 32);
  for (const shard of shards) sets[shard >> 5] = (sets[shard >> 5] as number) | (1 << (shard & 31));
  const found: number[] = [];
  for (let set = 0; set < sets.length; set++) {
    for (let rest = sets[set] as number; rest !== 0; rest &= rest - 1)
      found.push(set * 32 + 31 - Math.clz32(rest & -rest));
  }
  return found;
}

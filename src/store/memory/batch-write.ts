import { type BatchAddition, isTooLong, MAX_COUNT } from "../count-store.ts";
import type { StoreHandle } from "./store-handle.ts";
import { PackedIdList } from "./packed-id-list.ts";
import { Refusal } from "../refusal.ts";
import { fingerprintOf, type RequestKey } from "../request-key.ts";
import type { Shards } from "./shards.ts";
import { NUMBERS_PER_REQUEST } from "./last-requests.ts";

/** A request that is kept with its answer. */
interface KeyedRequest {
  key: RequestKey;
  fingerprint: number;
}

/** The songs of a batch, in columns: making an object for each song would take as long as counting it. */
class BatchColumns {
  readonly songCount: number;
  readonly ids: PackedIdList;
  /** The position of a song's id in `ids`. */
  readonly idPositions: Int32Array;
  /** The shard of a song. */
  readonly shards: Int32Array;
  readonly plays: Float64Array;
  /** The entry in the open set; 0 if none. */
  readonly entries: Int32Array;
  /** The plays in the open set before the batch. */
  readonly before: Float64Array;
  /** The new count of a song. */
  readonly counts: Float64Array;

  constructor(songCount: number) {
    this.songCount = songCount;
    this.ids = new PackedIdList(songCount);
    this.idPositions = new Int32Array(songCount);
    this.shards = new Int32Array(songCount);
    this.plays = new Float64Array(songCount);
    this.entries = new Int32Array(songCount);
    this.before = new Float64Array(songCount);
    this.counts = new Float64Array(songCount);
  }
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
  readonly #maxSongs: number;
  readonly #maxIdBytes: number;

  constructor(shards: Shards, { maxSongs, maxIdBytes }: StoreHandle) {
    this.#shards = shards;
    this.#maxSongs = maxSongs;
    this.#maxIdBytes = maxIdBytes;
  }

  /** Adds to all songs, and keeps the request `keyed` with its answer. */
  add(plays: ReadonlyMap<string, number>, keyed?: KeyedRequest): BatchAddition {
    return this.#whileLocked(plays, (songs) => this.#addLocked(songs, keyed));
  }

  /**
   * Adds to songs that were checked and have entries, while no other thread changes the store. Allocates
   * nothing in the heap. If the thread dies half-way, a part of the plays is missing.
   */
  addPrepared(plays: ReadonlyMap<string, number>): void {
    const { heap } = this.#shards;
    this.#whileLocked(plays, (songs) => {
      let added = 0;
      for (let at = 0; at < songs.songCount; at++) added += Number(this.#look(songs, at));
      heap.claimSongs(added, Infinity);
      heap.recordChange();
      for (let at = 0; at < songs.songCount; at++) {
        heap.numbers[songs.entries[at] as number] =
          (songs.before[at] as number) + (songs.plays[at] as number);
      }
    });
  }

  #whileLocked<T>(plays: ReadonlyMap<string, number>, act: (songs: BatchColumns) => T): T {
    const shards = this.#shards;
    const songs = new BatchColumns(plays.size);
    let at = 0;
    for (const [id, more] of plays) {
      songs.shards[at] = shards.locate(id);
      songs.idPositions[at] = songs.ids.push(shards.id);
      songs.plays[at++] = more;
    }
    const touched = distinct(songs.shards, shards.shardCount);
    for (const shard of touched) shards.lock(shard);
    try {
      return act(songs);
    } finally {
      for (const shard of touched) shards.unlock(shard);
    }
  }

  /** Adds to all songs, or returns the answer to the same request if it is the last one of its writer. */
  addOnce(kind: string, plays: ReadonlyMap<string, number>, key: RequestKey): BatchAddition {
    const { lastRequests } = this.#shards;
    const fingerprint = fingerprintOf(kind, plays);
    for (const id of plays.keys())
      if (isTooLong(id, this.#maxIdBytes)) throw Refusal.tooLong(this.#maxIdBytes);
    return lastRequests.whileLocked(
      () => this.#recall(key, fingerprint, plays) ?? this.add(plays, { key, fingerprint }),
    );
  }

  /**
   * Returns the answer to a request if it is the last one of its writer. Throws as {@linkcode CountStore.add}
   * does.
   */
  recall(
    key: RequestKey,
    fingerprint: number,
    plays: ReadonlyMap<string, number>,
  ): BatchAddition | undefined {
    return this.#shards.lastRequests.whileLocked(() => this.#recall(key, fingerprint, plays));
  }

  #recall(
    key: RequestKey,
    fingerprint: number,
    plays: ReadonlyMap<string, number>,
  ): BatchAddition | undefined {
    const recalled = this.#shards.lastRequests.recall(key, fingerprint, plays.size);
    if (recalled === undefined) return undefined;
    const { fold, counts = Float64Array.from(plays.keys(), (id) => this.#shards.playsOf(id)) } = recalled;
    return { counts, fold };
  }

  #addLocked(songs: BatchColumns, keyed: KeyedRequest | undefined): BatchAddition {
    const { heap, ring } = this.#shards;
    let added = 0;
    for (let at = 0; at < songs.songCount; at++) added += Number(this.#look(songs, at));
    if (added > 0 && !heap.claimSongs(added, this.#maxSongs)) throw Refusal.full(this.#maxSongs);
    if (!this.#reserve(songs)) {
      heap.unclaimSongs(added);
      throw Refusal.noMemory();
    }
    const addition = { counts: songs.counts, fold: ring.newest };
    this.#write(songs, addition, keyed);
    return addition;
  }

  /** Fills in the columns of a song, and tells if the song is new. */
  #look(songs: BatchColumns, at: number): boolean {
    const { ring, heap, id } = this.#shards;
    songs.ids.load(songs.idPositions[at] as number, id);
    const shard = songs.shards[at] as number;
    const plays = songs.plays[at] as number;
    const entry = this.#shards.openShard(shard).find(id);
    const before = entry === 0 ? 0 : (heap.numbers[entry] as number);
    let [sealed, kept] = [0, 0];
    if (ring.length > 1) {
      sealed = this.#shards.sum(shard, ring.firstCounted, ring.length - 1);
      kept = this.#shards.sum(shard, 0, ring.firstCounted);
    }
    const all = kept + sealed + before;
    if (plays > MAX_COUNT - all) throw Refusal.overflow(all, plays);
    songs.entries[at] = entry;
    songs.before[at] = before;
    songs.counts[at] = sealed + before + plays;
    return plays > 0 && all === 0;
  }

  /** Allocates the memory for writing. Returns false if it is used up; then no count has changed. */
  #reserve(songs: BatchColumns): boolean {
    const { id, journal } = this.#shards;
    for (let at = 0; at < songs.songCount; at++) {
      if (songs.plays[at] === 0 || songs.entries[at] !== 0) continue;
      // If memory is used up for a later song, this entry stays without plays, and no reader sees it.
      songs.ids.load(songs.idPositions[at] as number, id);
      songs.entries[at] = this.#shards.openShard(songs.shards[at] as number).insert(id);
      if (songs.entries[at] === 0) return false;
    }
    return journal.begin(songs.songCount + NUMBERS_PER_REQUEST);
  }

  #write(songs: BatchColumns, { counts, fold }: BatchAddition, keyed: KeyedRequest | undefined): void {
    const { journal, lastRequests } = this.#shards;
    for (let at = 0; at < songs.songCount; at++) {
      const plays = songs.plays[at] as number;
      if (plays > 0) journal.note(songs.entries[at] as number, (songs.before[at] as number) + plays);
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
function distinct(shards: Int32Array, count: number): number[] {
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

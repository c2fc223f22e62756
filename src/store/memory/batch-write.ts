import { type BatchAddition, isTooLong, MAX_COUNT } from "../count-store.ts";
import type { StoreHandle } from "./handle.ts";
import { PackedIdList } from "./packed-id-list.ts";
import { Refusal } from "../refusal.ts";
import { fingerprintOf, type RequestKey } from "../request-key.ts";
import type { Shards } from "./shards.ts";
import { NUMBERS_PER_REQUEST } from "./last-requests.ts";

/** A request that is to be remembered with its answer. */
interface KeyedRequest {
  key: RequestKey;
  fingerprint: number;
}

/** The songs of a batch, in columns: to make an object for each would take as long as to count it. */
class BatchColumns {
  readonly count: number;
  readonly ids: PackedIdList;
  /** Where `ids` has a song's id. */
  readonly places: Int32Array;
  /** The shard that a song is in. */
  readonly shards: Int32Array;
  readonly plays: Float64Array;
  /** The entry in the open set; 0 until there is one. */
  readonly entries: Int32Array;
  /** The plays in the open set before. */
  readonly before: Float64Array;
  /** The plays that a song will have. */
  readonly totals: Float64Array;

  constructor(count: number) {
    this.count = count;
    this.ids = new PackedIdList(count);
    this.places = new Int32Array(count);
    this.shards = new Int32Array(count);
    this.plays = new Float64Array(count);
    this.entries = new Int32Array(count);
    this.before = new Float64Array(count);
    this.totals = new Float64Array(count);
  }
}

/** Adds to several songs at one instant, and to one or several only once; see {@linkcode CountStore.addAll}. */
export class BatchWrite {
  readonly #shards: Shards;
  readonly #maxSongs: number;
  readonly #maxIdBytes: number;

  constructor(shards: Shards, { maxSongs, maxIdBytes }: StoreHandle) {
    this.#shards = shards;
    this.#maxSongs = maxSongs;
    this.#maxIdBytes = maxIdBytes;
  }

  /** Adds, and has it remembered with `keyed`. */
  add(plays: ReadonlyMap<string, number>, keyed?: KeyedRequest): BatchAddition {
    return this.#whileLocked(plays, (songs) => this.#addLocked(songs, keyed));
  }

  /**
   * Adds what can be added for certain: there are entries for all songs, and no other thread changes anything. Takes no
   * memory, and is not put right if the thread dies in it.
   */
  addPrepared(plays: ReadonlyMap<string, number>): void {
    const { heap } = this.#shards;
    this.#whileLocked(plays, (songs) => {
      let [all, added] = [0, 0];
      for (let at = 0; at < songs.count; at++) added += Number(this.#look(songs, at));
      heap.claimSongs(added, Infinity);
      heap.countChange();
      for (let at = 0; at < songs.count; at++) {
        heap.numbers[songs.entries[at] as number] =
          (songs.before[at] as number) + (songs.plays[at] as number);
        all += songs.plays[at] as number;
      }
      heap.numbers[heap.playsUnit] = (heap.numbers[heap.playsUnit] as number) + all;
    });
  }

  #whileLocked<T>(plays: ReadonlyMap<string, number>, act: (songs: BatchColumns) => T): T {
    const shards = this.#shards;
    const songs = new BatchColumns(plays.size);
    let at = 0;
    for (const [id, more] of plays) {
      songs.shards[at] = shards.locate(id);
      songs.places[at] = songs.ids.push(shards.id);
      songs.plays[at++] = more;
    }
    const touched = distinct(songs.shards, shards.count);
    for (const shard of touched) shards.lock(shard);
    try {
      return act(songs);
    } finally {
      for (const shard of touched) shards.unlock(shard);
    }
  }

  /** Adds what a writer asks for, unless it has been added: then it gives what was answered. */
  addOnce(kind: string, plays: ReadonlyMap<string, number>, key: RequestKey): BatchAddition {
    const { lastRequests } = this.#shards;
    const fingerprint = fingerprintOf(kind, plays);
    for (const id of plays.keys())
      if (isTooLong(id, this.#maxIdBytes)) throw Refusal.tooLong(this.#maxIdBytes);
    return lastRequests.whileLocked(
      () => this.#recall(key, fingerprint, plays) ?? this.add(plays, { key, fingerprint }),
    );
  }

  /** What was answered before to what a writer asks for. */
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
    const { fold, totals = Float64Array.from(plays.keys(), (id) => this.#countOf(id)) } = recalled;
    return { counts: totals, fold };
  }

  #countOf(id: string): number {
    const at = this.#shards.locate(id);
    this.#shards.lock(at);
    try {
      return this.#shards.sum(at, this.#shards.ring.firstCounted);
    } finally {
      this.#shards.unlock(at);
    }
  }

  #addLocked(songs: BatchColumns, keyed: KeyedRequest | undefined): BatchAddition {
    const { heap, ring } = this.#shards;
    let added = 0;
    for (let at = 0; at < songs.count; at++) added += Number(this.#look(songs, at));
    if (added > 0 && !heap.claimSongs(added, this.#maxSongs)) throw Refusal.full(this.#maxSongs);
    if (!this.#makeRoom(songs)) {
      heap.unclaimSongs(added);
      throw Refusal.noMemory();
    }
    const addition = { counts: songs.totals, fold: ring.newest };
    this.#write(songs, addition, keyed);
    return addition;
  }

  /** Looks up what a song has, and tells whether it is new. */
  #look(songs: BatchColumns, at: number): boolean {
    const { ring, heap, id } = this.#shards;
    songs.ids.load(songs.places[at] as number, id);
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
    songs.totals[at] = sealed + before + plays;
    return plays > 0 && all === 0;
  }

  /** Sees to it that writing cannot fail; false if there is no memory for that. Nothing has changed. */
  #makeRoom(songs: BatchColumns): boolean {
    const { id, journal } = this.#shards;
    for (let at = 0; at < songs.count; at++) {
      if (songs.plays[at] === 0 || songs.entries[at] !== 0) continue;
      // An entry without plays is as good as none, should there be no memory for one of the others.
      songs.ids.load(songs.places[at] as number, id);
      songs.entries[at] = this.#shards.openShard(songs.shards[at] as number).place(id);
      if (songs.entries[at] === 0) return false;
    }
    return journal.begin(songs.count + 1 + NUMBERS_PER_REQUEST);
  }

  #write(songs: BatchColumns, { counts, fold }: BatchAddition, keyed: KeyedRequest | undefined): void {
    const { journal, heap, lastRequests } = this.#shards;
    let all = 0;
    for (let at = 0; at < songs.count; at++) {
      const plays = songs.plays[at] as number;
      if (plays > 0) journal.note(songs.entries[at] as number, (songs.before[at] as number) + plays);
      all += plays;
    }
    journal.note(heap.playsUnit, (heap.numbers[heap.playsUnit] as number) + all);
    if (keyed !== undefined) {
      const write = (unit: number, value: number) => journal.noteRequest(unit, value);
      lastRequests.remember(keyed.key, keyed.fingerprint, { fold, totals: counts }, write);
    }
    journal.commit();
  }
}

/** Each of `shards` once, in ascending order, or else two threads might wait for each other; there are `count` in all. */
function distinct(shards: Int32Array, count: number): number[] {
  if (shards.length === 0) return [0]; // of no song at all the ring is asked, which takes a lock
  const sets = new Int32Array(count / 32);
  for (const shard of shards) sets[shard >> 5] = (sets[shard >> 5] as number) | (1 << (shard & 31));
  const found: number[] = [];
  for (let set = 0; set < sets.length; set++) {
    for (let rest = sets[set] as number; rest !== 0; rest &= rest - 1)
      found.push(set * 32 + 31 - Math.clz32(rest & -rest));
  }
  return found;
}

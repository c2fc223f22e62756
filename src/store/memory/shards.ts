import { FoldRing } from "./fold-ring.ts";
import { Heap } from "./heap.ts";
import { Journal } from "./journal.ts";
import { LastRequests } from "./last-requests.ts";
import { LINE_WORDS } from "./layout.ts";
import { holderOf, lock, tryLock, unlock } from "./lock.ts";
import { PackedId } from "../packed-id.ts";
import { PackedShard, SHARD_HEAD_WORDS } from "./packed-shard.ts";
import { shardTable } from "./shard-table.ts";
import type { StoreHandle } from "./store-handle.ts";

/** A step of a long task ends after this many songs: a millisecond, or two. */
export const STEP_SONGS = 4096;

/**
 * The shared state of a store, as one thread sees it: its shards, each with a lock and a head in every slot,
 * and everything that belongs to them. shard-table.ts shows where they are.
 *
 * A thread reads or changes a shard's heads, in all slots, only while it holds the shard's lock.
 */
export class Shards {
  readonly shardCount: number;
  readonly heap: Heap;
  readonly ring: FoldRing;
  readonly journal: Journal;
  readonly lastRequests: LastRequests;
  /** The present id: the last one that this thread has packed. */
  readonly id: PackedId;
  /** The newest set that had plays in the last {@linkcode sum}; -1 if none. */
  newestPlayed = -1;
  readonly #owner: number;
  /** A store of one thread needs no locks. */
  readonly isShared: boolean;
  readonly #maxIdBytes: number;
  readonly #shardBits: number;
  readonly #locks: number;
  readonly #heads: number;
  // One object for all shards: thousands of them would not fit into a processor's cache.
  readonly #open: PackedShard;
  readonly #scratch: PackedShard;

  /** `owner` is this thread's owner number, 1 to {@linkcode MAX_OWNERS}. */
  constructor(handle: StoreHandle, owner: number) {
    const { hashKey, shardBits, maxFolds, maxIdBytes } = handle;
    this.shardCount = 2 ** shardBits;
    this.#owner = owner;
    this.isShared = handle.owners > 1;
    this.#maxIdBytes = maxIdBytes;
    this.#shardBits = shardBits;
    this.id = new PackedId(hashKey);
    const { ring, locks, heads, blocks } = shardTable(this.shardCount, maxFolds);
    this.#locks = locks;
    this.#heads = heads;
    this.heap = new Heap(handle.heapBuffer, blocks, owner);
    this.lastRequests = new LastRequests(handle.requestsBuffer, handle.maxWriters, hashKey, owner);
    this.journal = new Journal(this.heap, this.lastRequests.numbers, this.isShared);
    this.#open = new PackedShard(this.heap, shardBits);
    this.#scratch = new PackedShard(this.heap, shardBits);
    this.ring = new FoldRing(this.heap, ring, maxFolds, owner);
  }

  /**
   * Makes `id` the present id, and returns its shard.
   *
   * @throws {Refusal} `too long`
   */
  locate(id: string): number {
    this.id.set(id, this.#maxIdBytes);
    return this.id.hash & (this.shardCount - 1);
  }

  /** Returns shard `at` in a slot. */
  shardIn(slot: number, at: number): PackedShard {
    return new PackedShard(this.heap, this.#shardBits).moveTo(this.#headIn(slot, at));
  }

  /** Returns shard `at` of a set. */
  shardOf(set: number, at: number): PackedShard {
    return this.shardIn(this.ring.slotOf(set), at);
  }

  /** Returns shard `at` of the open set: always the same object, valid until the next call. */
  openShard(at: number): PackedShard {
    return this.#open.moveTo(this.#headIn(this.ring.slotOf(this.ring.open), at));
  }

  /**
   * Returns the plays of the present id in its shard, `at`, in the sets `first` to before `end`. Sets
   * {@linkcode newestPlayed}.
   */
  sum(at: number, first: number, end: number): number {
    let sum = 0;
    this.newestPlayed = -1;
    for (let set = first; set < end; set++) {
      const plays = this.#scratch.moveTo(this.#headIn(this.ring.slotOf(set), at)).get(this.id);
      if (plays > 0) this.newestPlayed = set;
      sum += plays;
    }
    return sum;
  }

  /** Returns the plays of the present id, as {@linkcode CountStore.get} counts. Locks its shard, `at`. */
  playsIn(at: number, after?: number): number {
    this.lock(at);
    try {
      return this.sum(at, this.ring.firstAfter(after), this.ring.open + 1);
    } finally {
      this.unlock(at);
    }
  }

  lock(at: number): void {
    if (this.isShared) lock(this.heap.words, this.#lockOf(at), this.#owner);
  }

  tryLock(at: number): boolean {
    return !this.isShared || tryLock(this.heap.words, this.#lockOf(at), this.#owner);
  }

  unlock(at: number): void {
    if (this.isShared) unlock(this.heap.words, this.#lockOf(at));
  }

  /** Runs `act` with the locks of `shards`, which ascend: the order of locks in README.md. */
  whileLocked<T>(shards: readonly number[] | Int32Array, act: () => T): T {
    for (const at of shards) this.lock(at);
    try {
      return act();
    } finally {
      for (const at of shards) this.unlock(at);
    }
  }

  /** Runs `act` with the locks of all shards. */
  whileAllLocked<T>(act: () => T): T {
    return this.whileLocked(this.#all, act);
  }

  /** Empties all sets. The caller holds the locks of all shards. */
  clear(): void {
    const { heap, ring } = this;
    ring.isClearing = true; // if this thread dies, recovery clears again
    heap.words.fill(0, this.#heads, this.#headIn(ring.slotCount, 0));
    ring.reset();
    heap.freeAll();
    ring.isClearing = false;
  }

  /** Returns the shards whose locks the thread with owner number `owner` holds. */
  lockedBy(owner: number): number[] {
    return this.#all.filter((at) => holderOf(this.heap.words, this.#lockOf(at)) === owner);
  }

  get #all(): number[] {
    return Array.from({ length: this.shardCount }, (_, at) => at);
  }

  #headIn(slot: number, at: number): number {
    return this.#heads + (slot * this.shardCount + at) * SHARD_HEAD_WORDS;
  }

  #lockOf(at: number): number {
    return this.#locks + at * LINE_WORDS;
  }
}

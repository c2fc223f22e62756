import { distinct } from "./distinct.ts";
import { FoldRing } from "./fold-ring.ts";
import { Heap } from "./heap.ts";
import { HEAD_WORDS } from "./heap-layout.ts";
import { Journal } from "./journal.ts";
import { LastRequests } from "./last-requests.ts";
import { LINE_WORDS } from "./layout.ts";
import { holderOf, lock, tryLock, unlock } from "./lock.ts";
import { PackedId } from "../packed-id.ts";
import { PackedShard, SHARD_HEAD_WORDS } from "./packed-shard.ts";
import { SetSlots } from "./set-slots.ts";
import { type ShardTable, shardTable, slotsFor } from "./shard-table.ts";
import type { StoreHandle } from "./store-handle.ts";

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
  readonly slots: SetSlots;
  readonly journal: Journal;
  readonly lastRequests: LastRequests;
  /** The present id: the last one that this thread has packed. */
  readonly id: PackedId;
  readonly #owner: number;
  /** A store of one thread needs no locks. */
  readonly #isShared: boolean;
  readonly #maxIdBytes: number;
  readonly #shardBits: number;
  readonly #table: ShardTable;
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
    this.#isShared = handle.owners > 1;
    this.#maxIdBytes = maxIdBytes;
    this.#shardBits = shardBits;
    this.id = new PackedId(hashKey);
    this.#table = shardTable(this.shardCount, maxFolds, HEAD_WORDS);
    this.#locks = this.#table.locks;
    this.#heads = this.#table.heads;
    this.heap = new Heap(handle.heapBuffer, (this.#table.end - HEAD_WORDS) / 2, owner);
    this.lastRequests = new LastRequests(handle.requestsBuffer, handle.maxWriters, hashKey, owner);
    this.journal = new Journal(this.heap, this.lastRequests.numbers, this.#isShared);
    this.#open = new PackedShard(this.heap, shardBits);
    this.#scratch = new PackedShard(this.heap, shardBits);
    this.ring = new FoldRing(this.heap, this.#table.ring, maxFolds);
    this.slots = new SetSlots(this.heap, this.#table.states, slotsFor(maxFolds), owner);
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

  /** Returns shard `at` of the set in a slot. */
  shardIn(slot: number, at: number): PackedShard {
    return new PackedShard(this.heap, this.#shardBits).moveTo(this.#headOf(slot, at));
  }

  /** Returns shard `at` of the set at a place of the ring. */
  shardAt(place: number, at: number): PackedShard {
    return this.shardIn(this.ring.slotAt(place), at);
  }

  /** Returns shard `at` of the open set: always the same object, valid until the next call. */
  openShard(at: number): PackedShard {
    return this.#open.moveTo(this.#headOf(this.ring.openSlot, at));
  }

  /**
   * Returns the plays of the present id in its shard, `at`, in the sets at places `first` to before `end`.
   */
  sum(at: number, first: number, end: number = this.ring.length): number {
    let plays = 0;
    for (let place = first; place < end; place++) {
      plays += this.#scratch.moveTo(this.#headOf(this.ring.slotAt(place), at)).get(this.id);
    }
    return plays;
  }

  /**
   * Returns the plays of the present id in the open set and the folds that are not acknowledged. Locks its
   * shard, `at`.
   */
  playsIn(at: number): number {
    this.lock(at);
    try {
      return this.sum(at, this.ring.firstCounted);
    } finally {
      this.unlock(at);
    }
  }

  /**
   * Notes that the present id has its first plays in the open set, in its shard, `at`. The caller holds the
   * shard's lock.
   */
  moveToOpen(at: number): void {
    for (let place = this.ring.length - 2; place >= this.ring.firstCounted; place--)
      if (this.sum(at, place, place + 1) > 0) return this.ring.loseSong(place);
  }

  lock(at: number): void {
    if (this.#isShared) lock(this.heap.words, this.#lockOf(at), this.#owner);
  }

  tryLock(at: number): boolean {
    return !this.#isShared || tryLock(this.heap.words, this.#lockOf(at), this.#owner);
  }

  unlock(at: number): void {
    if (this.#isShared) unlock(this.heap.words, this.#lockOf(at));
  }

  /** Runs `act` with the locks of some shards, taken in ascending order. */
  whileLocked<T>(some: Int32Array, act: () => T): T {
    if (!this.#isShared) return act();
    const shards = distinct(some, this.shardCount);
    for (const at of shards) this.lock(at);
    try {
      return act();
    } finally {
      for (const at of shards) this.unlock(at);
    }
  }

  /**
   * Runs `act` with the locks of all shards, taken in ascending order: otherwise two threads could deadlock.
   */
  whileAllLocked<T>(act: () => T): T {
    for (let at = 0; at < this.shardCount; at++) this.lock(at);
    try {
      return act();
    } finally {
      for (let at = 0; at < this.shardCount; at++) this.unlock(at);
    }
  }

  /** Empties all slots. The caller holds the locks of all shards. */
  clear(): void {
    const { words } = this.heap;
    const { isClearing, heads } = this.#table;
    words[isClearing] = 1; // if this thread dies, recovery clears again
    words.fill(0, heads, heads + SHARD_HEAD_WORDS * this.shardCount * this.slots.slotCount);
    this.slots.reset();
    this.ring.reset();
    this.heap.freeAll();
    this.heap.songs = 0;
    words[isClearing] = 0;
  }

  /** Returns true if a thread is in {@linkcode clear}, or has died there. */
  get isClearing(): boolean {
    return this.heap.words[this.#table.isClearing] === 1;
  }

  /** Returns the shards whose locks the thread with owner number `owner` holds. */
  lockedBy(owner: number): number[] {
    return Array.from({ length: this.shardCount }, (_, at) => at).filter(
      (at) => holderOf(this.heap.words, this.#lockOf(at)) === owner,
    );
  }

  #headOf(slot: number, at: number): number {
    return this.#heads + (slot * this.shardCount + at) * SHARD_HEAD_WORDS;
  }

  #lockOf(at: number): number {
    return this.#locks + at * LINE_WORDS;
  }
}

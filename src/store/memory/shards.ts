import { FoldRing } from "./fold-ring.ts";
import { Journal } from "./journal.ts";
import { lock, holderOf, tryLock, unlock } from "./lock.ts";
import { Heap } from "./heap.ts";
import type { StoreHandle } from "./handle.ts";
import { PackedId } from "./packed-id.ts";
import { HEAD_WORDS, PackedShard } from "./packed-shard.ts";
import { LastRequests } from "./last-requests.ts";

/** Slots beside those that a full ring takes: for folds that were dropped and are being freed. */
const SPARE_SLOTS = 4;

/** A lock has a cache line for itself, so that threads at work on two shards do not slow each other down. */
const LOCK_WORDS = 16;

// What becomes of a slot; a thread that frees it writes its number there.
const FREE = 0;
const IN_USE = -1;

/** Bytes that a shard takes without songs. */
export function bytesOfShard(maxFolds: number): number {
  return (LOCK_WORDS + HEAD_WORDS * slotsFor(maxFolds)) * 4;
}

function slotsFor(maxFolds: number): number {
  return maxFolds + 2 + SPARE_SLOTS;
}

/**
 * The shards of a store, as one thread sees them: a lock for each, and the heads of its open set and of its folds, in
 * slots. What is in a slot may be touched by who holds the shard's lock.
 */
export class Shards {
  readonly count: number;
  readonly heap: Heap;
  readonly ring: FoldRing;
  readonly journal: Journal;
  readonly lastRequests: LastRequests;
  /** The id that this thread is at. */
  readonly id: PackedId;
  readonly #owner: number;
  readonly #maxIdBytes: number;
  readonly #shardBits: number;
  readonly #slots: number;
  readonly #isClearing: number;
  readonly #states: number;
  readonly #locks: number;
  readonly #heads: number;
  readonly #open: PackedShard;
  readonly #looked: PackedShard;

  constructor(handle: StoreHandle, owner: number) {
    const { heap: buffer, key, shardBits, maxFolds, maxIdBytes } = handle;
    this.count = 2 ** shardBits;
    this.#owner = owner;
    this.#maxIdBytes = maxIdBytes;
    this.#shardBits = shardBits;
    this.#slots = slotsFor(maxFolds);
    this.id = new PackedId(key);

    const offsets = [FoldRing.wordsFor(maxFolds), 1, this.#slots, LOCK_WORDS * this.count];
    const heads = HEAD_WORDS * this.count * this.#slots;
    const aligned = (words: number) => Math.ceil(words / LOCK_WORDS) * LOCK_WORDS;
    const tableWords = [...offsets, heads].reduce((sum, words) => sum + aligned(words), 0);
    this.heap = new Heap(buffer, tableWords / 2, owner);
    this.lastRequests = new LastRequests(handle.lastRequests, handle.maxWriters, key, owner);
    this.journal = new Journal(this.heap, this.lastRequests.numbers);
    this.#open = new PackedShard(this.heap, shardBits);
    this.#looked = new PackedShard(this.heap, shardBits);
    let at = this.heap.table;
    const [ring = 0, isClearing = 0, states = 0, locks = 0] = offsets.map((words) => {
      const begin = at;
      at += aligned(words);
      return begin;
    });
    this.ring = new FoldRing(this.heap, ring, maxFolds);
    this.#isClearing = isClearing;
    this.#states = states;
    this.#locks = locks;
    this.#heads = at;
    Atomics.compareExchange(this.heap.words, states, FREE, IN_USE); // slot 0: the first open set
  }

  /**
   * Finds the shard of a song, which is the song that this thread is at from now on.
   *
   * @throws {Refusal} `too long`
   */
  locate(id: string): number {
    this.id.set(id, this.#maxIdBytes);
    return this.id.hash & (this.count - 1);
  }

  /** The shard `at` as it is in a slot. */
  shardIn(slot: number, at: number): PackedShard {
    return new PackedShard(this.heap, this.#shardBits).moveTo(this.#headOf(slot, at));
  }

  /** The shard `at` of the set at a place of the ring. */
  shardAt(place: number, at: number): PackedShard {
    return this.shardIn(this.ring.slotAt(place), at);
  }

  /** The shard `at` that plays are counted in: always the same object, good until the next call. */
  openShard(at: number): PackedShard {
    return this.#open.moveTo(this.#headOf(this.ring.slotAt(this.ring.length - 1), at));
  }

  /** The plays that the present id has in its shard, `at`, in the sets from place `first` to before `end`. */
  sum(at: number, first: number, end: number = this.ring.length): number {
    let plays = 0;
    for (let place = first; place < end; place++) {
      plays += this.#looked.moveTo(this.#headOf(this.ring.slotAt(place), at)).get(this.id);
    }
    return plays;
  }

  lock(at: number): void {
    lock(this.heap.words, this.#lockOf(at), this.#owner);
  }

  tryLock(at: number): boolean {
    return tryLock(this.heap.words, this.#lockOf(at), this.#owner);
  }

  unlock(at: number): void {
    unlock(this.heap.words, this.#lockOf(at));
  }

  /** Does something while nobody else touches any shard. Locks are taken in their order, or else two threads might wait for each other. */
  whileAllLocked<T>(act: () => T): T {
    for (let at = 0; at < this.count; at++) this.lock(at);
    try {
      return act();
    } finally {
      for (let at = 0; at < this.count; at++) this.unlock(at);
    }
  }

  /** Empties all slots. All shards have to be locked. */
  clear(): void {
    const { words } = this.heap;
    words[this.#isClearing] = 1; // a thread that dies on the way leaves word to do it all again
    words.fill(0, this.#heads, this.#heads + HEAD_WORDS * this.count * this.#slots);
    words.fill(FREE, this.#states, this.#states + this.#slots);
    words[this.#states] = IN_USE;
    this.ring.reset();
    this.heap.freeAll();
    this.heap.songs = 0;
    words[this.#isClearing] = 0;
  }

  /** Gives a slot with nothing in it, or -1 if there is none. All shards have to be locked. */
  takeSlot(): number {
    const states = this.heap.words.subarray(this.#states, this.#states + this.#slots);
    const slot = states.indexOf(FREE);
    if (slot !== -1) states[slot] = IN_USE;
    return slot;
  }

  /** All shards have to be locked. */
  hasFreeSlot(): boolean {
    return this.heap.words.subarray(this.#states, this.#states + this.#slots).includes(FREE);
  }

  /** Says that this thread is to free what is in a slot. */
  dispose(slot: number): void {
    Atomics.store(this.heap.words, this.#states + slot, this.#owner);
  }

  /** Whether this thread is to free what is in a slot, unless all has been cleared meanwhile. */
  isDisposing(slot: number): boolean {
    return Atomics.load(this.heap.words, this.#states + slot) === this.#owner;
  }

  /** Says that there is nothing in a slot any more. */
  disposed(slot: number): void {
    Atomics.compareExchange(this.heap.words, this.#states + slot, this.#owner, FREE);
  }

  /**
   * Releases what a thread held when it died, and puts right what it left half done. Gives the slots that it was to
   * free, which this thread is to free now.
   */
  release(owner: number): number[] {
    const { words } = this.heap;
    this.heap.releaseLockOf(owner);
    const held = Array.from({ length: this.count }, (_, at) => at).filter(
      (at) => holderOf(words, this.#lockOf(at)) === owner,
    );
    if (held.length === this.count && words[this.#isClearing] === 1) this.clear();
    this.journal.replayOf(owner);
    this.lastRequests.release(owner);
    for (const at of held) {
      for (let slot = 0; slot < this.#slots; slot++) this.shardIn(slot, at).mend(this.id);
      this.heap.countChange();
      this.unlock(at);
    }
    const slots = Array.from({ length: this.#slots }, (_, slot) => slot);
    return slots.filter(
      (slot) => Atomics.compareExchange(words, this.#states + slot, owner, this.#owner) === owner,
    );
  }

  #headOf(slot: number, at: number): number {
    return this.#heads + (slot * this.count + at) * HEAD_WORDS;
  }

  #lockOf(at: number): number {
    return this.#locks + at * LOCK_WORDS;
  }
}

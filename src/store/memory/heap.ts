import { lock, holderOf, unlock } from "./lock.ts";
import { type GrowingBuffer, growTo } from "./growing-buffer.ts";

/** Bytes in a unit: what memory is handed out in, and what a reference counts. */
export const UNIT = 8;

// Where things are in the head, in words of 4 bytes.
const LOCK = 0;
const NEXT = 1;
const CLAIMED = 2;
const FREE_LISTS = 16;
const SIZES = 32; // one list for each power of two that a reference can count
const CHANGES = FREE_LISTS + SIZES;

/** How many threads there can be. Owners are numbered from 1. */
export const MAX_OWNERS = 255;
/** A thread's count of changes has a cache line for itself, or else all threads would slow each other down. */
const CHANGES_STRIDE = 8; // in units
/** Behind the count of changes in the same cache line, and the journal. */
const PLAYS = 2; // in units

const HEAD_WORDS = CHANGES + (MAX_OWNERS + 1) * CHANGES_STRIDE * 2;

/**
 * Memory that is handed out in blocks of a power of two of units, to any number of threads at once when it is shared.
 *
 * Addresses for all of it are reserved at first, and it grows in place. A reference is the number of a block's first
 * unit; 0 refers to nothing. What a block holds at first is anything.
 */
export class Heap {
  readonly #buffer: GrowingBuffer;
  /** All of the memory as words of 4 bytes: unit n begins with word 2 n. */
  readonly words: Int32Array;
  /** All of the memory as numbers, one a unit. A count takes one: 2^53 − 1 is the last whole number that it has. */
  readonly numbers: Float64Array;
  readonly #owner: number;
  readonly #first: number;

  /** `tableUnits` behind the head are left to the caller; `owner` is the number of this thread. */
  constructor(buffer: GrowingBuffer, tableUnits: number, owner: number) {
    this.#buffer = buffer;
    growTo(buffer, (HEAD_WORDS / 2 + tableUnits) * UNIT);
    this.words = new Int32Array(buffer);
    this.numbers = new Float64Array(buffer);
    this.#owner = owner;
    this.#first = HEAD_WORDS / 2 + tableUnits;
    Atomics.compareExchange(this.words, NEXT, 0, this.#first);
  }

  /** The word that the caller's table begins at. */
  get table(): number {
    return HEAD_WORDS;
  }

  /** Gives a block of 2^`size` units, or 0 if there is none. */
  allocate(size: number): number {
    return this.allocateBetween(size, size);
  }

  /**
   * Gives a block of 2^`least` to 2^`most` units, or 0 if there is none: of those that are free the largest, and a new
   * one of 2^`most` only if none is. The second word of a block is the power that was given.
   */
  allocateBetween(least: number, most: number): number {
    lock(this.words, LOCK, this.#owner);
    try {
      for (let size = most; size >= least; size--) {
        const block = this.#takeFree(size);
        if (block !== 0) return this.#give(block, size);
      }
      for (let size = most; size >= least; size--) {
        const block = this.#takeNew(size) || this.#takeHalf(size);
        if (block !== 0) return this.#give(block, size);
      }
      return 0;
    } finally {
      unlock(this.words, LOCK);
    }
  }

  /** Takes a block back. */
  free(block: number, size: number): void {
    lock(this.words, LOCK, this.#owner);
    try {
      this.#putFree(block, size);
    } finally {
      unlock(this.words, LOCK);
    }
  }

  /** Takes all blocks back at once, which nobody may use any more. */
  freeAll(): void {
    lock(this.words, LOCK, this.#owner);
    this.words.fill(0, FREE_LISTS, FREE_LISTS + SIZES);
    this.words[NEXT] = this.#first;
    unlock(this.words, LOCK);
  }

  /** Counts so many songs more unless there would be more than `most`, and tells whether it did. */
  claimSongs(songs: number, most: number): boolean {
    // Never above `most`, not even for a moment: another thread might be refused for it.
    for (;;) {
      const claimed = this.songs;
      if (claimed + songs > most) return false;
      if (Atomics.compareExchange(this.words, CLAIMED, claimed, claimed + songs) === claimed) return true;
    }
  }

  /** Gives back what was claimed for songs that did not come to be, or are no more. */
  unclaimSongs(songs: number): void {
    Atomics.sub(this.words, CLAIMED, songs);
  }

  /** Songs that there are. */
  get songs(): number {
    return Atomics.load(this.words, CLAIMED);
  }

  set songs(songs: number) {
    Atomics.store(this.words, CLAIMED, songs);
  }

  /** Says that this thread is about to change something; to be called before anybody can see the change. */
  countChange(): void {
    const at = (CHANGES >> 1) + this.#owner * CHANGES_STRIDE;
    this.numbers[at] = (this.numbers[at] as number) + 1;
  }

  /** The unit in which this thread counts plays, for the operator. */
  get playsUnit(): number {
    return (CHANGES >> 1) + this.#owner * CHANGES_STRIDE + PLAYS;
  }

  /** How many plays all of the first `owners` threads have counted. */
  plays(owners: number): number {
    return this.#sumOf(owners, PLAYS);
  }

  /** Bytes that it has grown to. */
  get bytes(): number {
    return this.#buffer.byteLength;
  }

  /** The journal of this thread: a block, or 0 if nothing is under way. */
  set journal(block: number) {
    this.words[this.#journalOf(this.#owner)] = block;
  }

  /** Takes the journal of another thread, which has died; 0 if it had none. */
  takeJournalOf(owner: number): number {
    const block = this.words[this.#journalOf(owner)] as number;
    this.words[this.#journalOf(owner)] = 0;
    return block;
  }

  #journalOf(owner: number): number {
    return CHANGES + owner * CHANGES_STRIDE * 2 + 2;
  }

  /**
   * How many changes there were, by all of the first `owners` threads. A later one that another thread makes meanwhile
   * may be in it or not: each number is read in one piece, as 8 bytes are on machines of 64 bits.
   */
  changes(owners: number): number {
    return this.#sumOf(owners, 0);
  }

  /** The sum of what each of the first `owners` threads has at a place of its cache line. */
  #sumOf(owners: number, place: number): number {
    let sum = 0;
    for (let owner = 1; owner <= owners; owner++)
      sum += this.numbers[(CHANGES >> 1) + owner * CHANGES_STRIDE + place] as number;
    return sum;
  }

  /**
   * Releases the lock of a thread that has died. What it guards is in order after each single write, so there is
   * nothing to mend; a block that was on its way may be lost.
   */
  releaseLockOf(owner: number): void {
    if (holderOf(this.words, LOCK) === owner) unlock(this.words, LOCK);
  }

  #give(block: number, size: number): number {
    this.words[block * 2 + 1] = size;
    return block;
  }

  #takeFree(size: number): number {
    const block = this.words[FREE_LISTS + size] as number;
    if (block !== 0) this.words[FREE_LISTS + size] = this.words[block * 2] as number;
    return block;
  }

  /** A half of a free block that is larger, or a half of a half. */
  #takeHalf(size: number): number {
    for (let larger = size + 1; larger < SIZES; larger++) {
      const block = this.#takeFree(larger);
      if (block === 0) continue;
      while (larger > size) this.#putFree(block + 2 ** --larger, larger);
      return block;
    }
    return 0;
  }

  #takeNew(size: number): number {
    const block = this.words[NEXT] as number;
    if (!growTo(this.#buffer, (block + 2 ** size) * UNIT)) return 0;
    this.words[NEXT] = block + 2 ** size;
    return block;
  }

  #putFree(block: number, size: number): void {
    this.words[block * 2] = this.words[FREE_LISTS + size] as number;
    this.words[FREE_LISTS + size] = block;
  }
}

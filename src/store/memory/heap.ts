import { lock, holderOf, unlock } from "./lock.ts";
import { type GrowingBuffer, growTo } from "./growing-buffer.ts";
import {
  BLOCK_SIZE,
  changesUnit,
  FREE_LISTS,
  journalWord,
  LOCK,
  NEXT,
  SIZES,
  SONGS,
  UNIT,
} from "./heap-layout.ts";

/**
 * Hands out blocks of a power of two of units, to several threads at once if the buffer is shared.
 *
 * Addresses are reserved at the start, and the buffer grows in place. A reference is the number of a block's
 * first unit; 0 refers to no block. A new block holds arbitrary data.
 */
export class Heap {
  readonly #buffer: GrowingBuffer;
  /** The buffer as words of 4 bytes: unit n begins with word 2 n. */
  readonly words: Int32Array;
  /** The buffer as numbers, one a unit. They are exact for whole numbers up to 2^53 − 1. */
  readonly numbers: Float64Array;
  readonly #owner: number;
  readonly #first: number;

  /** The first block begins with unit `first`. `owner` is this thread's owner number. */
  constructor(buffer: GrowingBuffer, first: number, owner: number) {
    this.#buffer = buffer;
    growTo(buffer, first * UNIT);
    this.words = new Int32Array(buffer);
    this.numbers = new Float64Array(buffer);
    this.#owner = owner;
    this.#first = first;
    Atomics.compareExchange(this.words, NEXT, 0, first);
  }

  /** Returns a block of 2^`size` units, or 0 if memory is used up. */
  allocate(size: number): number {
    return this.allocateBetween(size, size);
  }

  /**
   * Returns a block of 2^`least` to 2^`most` units, or 0 if memory is used up: the largest free one, or, if
   * none is free, a new one of 2^`most`. {@linkcode BLOCK_SIZE} tells its size.
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

  /** Frees a block of 2^`size` units. */
  free(block: number, size: number): void {
    lock(this.words, LOCK, this.#owner);
    try {
      this.#putFree(block, size);
    } finally {
      unlock(this.words, LOCK);
    }
  }

  /** Frees all blocks at once. */
  freeAll(): void {
    lock(this.words, LOCK, this.#owner);
    this.words.fill(0, FREE_LISTS, FREE_LISTS + SIZES);
    this.words[NEXT] = this.#first;
    unlock(this.words, LOCK);
  }

  /** Adds to {@linkcode Heap.songs}, or returns false and changes nothing if they would exceed `maxSongs`. */
  claimSongs(songs: number, maxSongs: number): boolean {
    // Not above `maxSongs` even for a moment: another thread might be refused because of that.
    for (;;) {
      const claimed = this.songs;
      if (claimed + songs > maxSongs) return false;
      if (Atomics.compareExchange(this.words, SONGS, claimed, claimed + songs) === claimed) return true;
    }
  }

  /** Subtracts from {@linkcode Heap.songs}: those songs were not added after all, or were dropped. */
  unclaimSongs(songs: number): void {
    Atomics.sub(this.words, SONGS, songs);
  }

  /** Songs that are counted against `maxSongs`. */
  get songs(): number {
    return Atomics.load(this.words, SONGS);
  }

  set songs(songs: number) {
    Atomics.store(this.words, SONGS, songs);
  }

  /** Adds 1 to the changes of this thread. Called before another thread can see the change. */
  recordChange(): void {
    const at = changesUnit(this.#owner);
    this.numbers[at] = (this.numbers[at] as number) + 1;
  }

  /** Most bytes of the buffer. */
  get maxBytes(): number {
    return this.#buffer.maxByteLength;
  }

  /** Bytes that the buffer has grown to. */
  get bytes(): number {
    return this.#buffer.byteLength;
  }

  /** The block of this thread's journal while it commits, 0 otherwise. */
  set journal(block: number) {
    this.words[journalWord(this.#owner)] = block;
  }

  /** Takes the journal of a thread that has died; 0 if it was not committing. */
  takeJournalOf(owner: number): number {
    const at = journalWord(owner);
    const block = this.words[at] as number;
    this.words[at] = 0;
    return block;
  }

  /**
   * Returns the changes that the first `owners` threads have made. A change that another thread makes
   * meanwhile is included or not: machines of 64 bits read 8 bytes at once.
   */
  changes(owners: number): number {
    let sum = 0;
    for (let owner = 1; owner <= owners; owner++) sum += this.numbers[changesUnit(owner)] as number;
    return sum;
  }

  /** Releases the heap's lock if the thread with owner number `owner` died with it: see recovery.ts. */
  releaseLockOf(owner: number): void {
    if (holderOf(this.words, LOCK) === owner) unlock(this.words, LOCK);
  }

  #give(block: number, size: number): number {
    this.words[block * 2 + BLOCK_SIZE] = size;
    return block;
  }

  #takeFree(size: number): number {
    const block = this.words[FREE_LISTS + size] as number;
    if (block !== 0) this.words[FREE_LISTS + size] = this.words[block * 2] as number;
    return block;
  }

  /** Splits a larger free block, and frees the halves that are left over. */
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

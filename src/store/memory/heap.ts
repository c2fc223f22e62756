import type { GrowingBuffer } from "./growing-buffer.ts";
import { layOut, LINE_WORDS, NUMBER } from "./layout.ts";
import { holderOf, lock, unlock } from "./lock.ts";
import { Refusal } from "../refusal.ts";
import { HINTS, Slabs } from "./slabs.ts";

// The buffer begins with a head and the table of the shards (shard-table.ts). Blocks follow.
//
//   word 0      1        16         80                       4176
//     +------+-------+--+----------+-------------------------+--------------+--------- - -
//     | lock | songs |  | 64 hints | 256 threads, 64 B each  | table        | blocks
//     +------+-------+--+----------+-------------------------+--------------+--------- - -
//
//   songs     songs that are counted against maxSongs
//   hints     slabs to search for blocks first (slabs.ts)
//   threads   a cache line for each owner, so that no thread slows another down:
//
//     word 0         2         3        16
//       +------------+---------+---------+
//       | changes    | journal |         |
//       +------------+---------+---------+
//
//   changes   changes that this thread has made (number)
//   journal   block of its journal while it commits a batch, 0 otherwise
//
// A block has 2^n units of 8 bytes. The heap writes its size n into word 1.

/** Most threads of a store. Their owner numbers begin with 1. */
export const MAX_OWNERS = 255;

const {
  lock: LOCK,
  songs: SONGS,
  hints: FIRST_HINT,
  threads: THREADS,
  end,
} = layOut({
  lock: 1,
  songs: 1,
  hints: [HINTS, LINE_WORDS],
  threads: [(MAX_OWNERS + 1) * LINE_WORDS, LINE_WORDS],
});
const { changes: CHANGES, journal: JOURNAL } = layOut({ changes: NUMBER, journal: 1 });

/** Words of the head. */
export const HEAD_WORDS: number = end;

/**
 * Hands out blocks of a power of two of units, to several threads at once if the buffer is shared.
 *
 * Addresses are reserved at the start, and the buffer grows in place. A reference is the number of a block's
 * first unit; 0 refers to no block. A new block holds arbitrary data.
 */
export class Heap {
  /** The buffer as words of 4 bytes: unit n begins with word 2 n. */
  readonly words: Int32Array;
  /** The buffer as numbers, one a unit. They are exact for whole numbers up to 2^53 − 1. */
  readonly numbers: Float64Array;
  readonly #owner: number;
  readonly #slabs: Slabs;

  /** Blocks begin with word `first`, after the table. `owner` is this thread's owner number. */
  constructor(buffer: GrowingBuffer, first: number, owner: number) {
    this.#slabs = new Slabs(buffer, FIRST_HINT, first);
    this.words = new Int32Array(buffer);
    this.numbers = new Float64Array(buffer);
    this.#owner = owner;
  }

  /** Returns a block of 2^`size` units, or 0 if memory is used up. */
  allocate(size: number): number {
    return this.allocateBetween(size, size);
  }

  /**
   * Returns a block of 2^`least` to 2^`most` units, or 0 if memory is used up. Its word 1 tells its size.
   */
  allocateBetween(least: number, most: number): number {
    return this.#whileLocked(() => this.#slabs.allocate(least, most));
  }

  /** Frees a block of 2^`size` units. */
  free(block: number, size: number): void {
    this.#whileLocked(() => this.#slabs.free(block, size));
  }

  /** Frees all blocks at once: the store has no songs then. */
  freeAll(): void {
    this.#whileLocked(() => this.#slabs.freeAll());
    Atomics.store(this.words, SONGS, 0);
  }

  /** Adds to {@linkcode Heap.songs}. @throws {Refusal} `full` if they would exceed `maxSongs`. */
  claimSongs(songs: number, maxSongs: number): void {
    // Not above `maxSongs` even for a moment: another thread might be refused because of that.
    for (;;) {
      const claimed = this.songs;
      if (claimed + songs > maxSongs) throw Refusal.full(maxSongs);
      if (Atomics.compareExchange(this.words, SONGS, claimed, claimed + songs) === claimed) return;
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

  /** Adds 1 to the changes of this thread. Called before another thread can see the change. */
  recordChange(): void {
    const at = (lineOf(this.#owner) + CHANGES) >> 1;
    this.numbers[at] = (this.numbers[at] as number) + 1;
  }

  /** The block of this thread's journal while it commits, 0 otherwise. */
  set journal(block: number) {
    this.words[lineOf(this.#owner) + JOURNAL] = block;
  }

  /** Takes the journal of a thread that has died; 0 if it was not committing. */
  takeJournalOf(owner: number): number {
    const at = lineOf(owner) + JOURNAL;
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
    for (let owner = 1; owner <= owners; owner++)
      sum += this.numbers[(lineOf(owner) + CHANGES) >> 1] as number;
    return sum;
  }

  /** Releases the heap's lock if the thread with owner number `owner` died with it: see recovery.ts. */
  releaseLockOf(owner: number): void {
    if (holderOf(this.words, LOCK) === owner) unlock(this.words, LOCK);
  }

  #whileLocked<T>(act: () => T): T {
    lock(this.words, LOCK, this.#owner);
    try {
      return act();
    } finally {
      unlock(this.words, LOCK);
    }
  }
}

/** Returns the first word of a thread's cache line. */
function lineOf(owner: number): number {
  return THREADS + owner * LINE_WORDS;
}

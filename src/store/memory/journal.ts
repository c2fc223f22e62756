import type { Heap } from "./heap.ts";

// A journal is a block of the heap, in numbers (units of 8 bytes):
//
//   unit 0        1        2      3       4      5
//     +-----------+--------+------+-------+------+-------+- - -
//     | (heap.ts) | length | unit | value | unit | value |        `length` pairs
//     +-----------+--------+------+-------+------+-------+- - -
//
// A positive unit is one of the heap; a negative one is one of the last requests, with its sign changed.
const LENGTH = 1;
const PAIRS = 2;

/**
 * Writes numbers into several shards as one change: all of them or none, even if the thread dies between two
 * of them. recovery.ts describes how. The caller holds the locks of all shards concerned.
 */
export class Journal {
  readonly #heap: Heap;
  readonly #requestNumbers: Float64Array;
  readonly #isShared: boolean;
  #block = 0;
  #size = 0;
  #length = 0;

  /**
   * Writes into `heap`, and into `requestNumbers`, the numbers of the last requests. In a store that is not
   * shared each number is written at once: no other thread would see half of them.
   */
  constructor(heap: Heap, requestNumbers: Float64Array, isShared: boolean) {
    this.#isShared = isShared;
    this.#heap = heap;
    this.#requestNumbers = requestNumbers;
  }

  /** Starts an empty journal for at most `most` numbers, and returns false if memory is used up. */
  begin(most: number): boolean {
    if (!this.#isShared) return true;
    this.#size = Math.max(3, Math.ceil(Math.log2(most + 1) + 1));
    this.#block = this.#heap.allocate(this.#size);
    this.#length = 0;
    return this.#block !== 0;
  }

  /** Notes that a unit, as in the drawing, will be `value`. */
  note(unit: number, value: number): void {
    if (!this.#isShared) return this.#write(unit, value);
    const at = this.#block + PAIRS + 2 * this.#length++;
    this.#heap.numbers[at] = unit;
    this.#heap.numbers[at + 1] = value;
  }

  /** Writes all noted changes. */
  commit(): void {
    const heap = this.#heap;
    heap.recordChange();
    if (!this.#isShared) return;
    heap.numbers[this.#block + LENGTH] = this.#length;
    heap.journal = this.#block; // from here on recovery completes it
    this.#replay(this.#block);
    heap.journal = 0;
    heap.free(this.#block, this.#size);
  }

  /**
   * Completes the commit in which the thread with owner number `owner` died, if any. The block is lost until
   * the next clear.
   */
  replayOf(owner: number): void {
    const block = this.#heap.takeJournalOf(owner);
    if (block !== 0) this.#replay(block);
  }

  #replay(block: number): void {
    const { numbers } = this.#heap;
    const length = numbers[block + LENGTH] as number;
    for (let at = block + PAIRS; at < block + PAIRS + 2 * length; at += 2) {
      this.#write(numbers[at] as number, numbers[at + 1] as number);
    }
  }

  #write(unit: number, value: number): void {
    if (unit > 0) this.#heap.numbers[unit] = value;
    else this.#requestNumbers[-unit] = value;
  }
}

import type { Heap } from "./heap.ts";

// Where things are, in words.
const FIRST = 0; // the oldest set
const END = 1; // the one behind the newest set, which is the open one
const KEPT = 2; // 1 if the oldest set is an acknowledged fold
const FLOOR = 4; // a number: the newest fold that was dropped
const SETS = 8;

/** A set takes two units: a fold's number, and the slot in which its shards are found. */
const SET_WORDS = 4;
const SLOT = 2;

/**
 * Which sets of shards there are: perhaps a fold that is acknowledged and kept, the folds that are not acknowledged,
 * oldest first, and at the end the open set, in which plays are counted. They are known by their places, from 0 on.
 *
 * It may be read by who holds the lock of any shard, and changed by who holds all. Each change takes effect with the
 * writing of one word, so that a thread may die at any point.
 */
export class FoldRing {
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #at: number;
  readonly #capacity: number;

  /** `at` is the word, an even one, that it begins at. */
  constructor(heap: Heap, at: number, maxFolds: number) {
    this.#words = heap.words;
    this.#numbers = heap.numbers;
    this.#at = at;
    this.#capacity = capacityOf(maxFolds);
    Atomics.compareExchange(this.#words, at + END, 0, 1);
  }

  /** Words that a ring takes. */
  static wordsFor(maxFolds: number): number {
    return SETS + capacityOf(maxFolds) * SET_WORDS;
  }

  /** How many sets there are. */
  get length(): number {
    return (this.#words[this.#at + END] as number) - (this.#words[this.#at + FIRST] as number);
  }

  /** The newest fold; 0 if there is none. */
  get newest(): number {
    return this.length === 1 ? 0 : this.numberAt(this.length - 2);
  }

  /** The newest fold that is acknowledged; 0 if there is none. */
  get acknowledged(): number {
    return this.firstCounted === 0 ? 0 : this.numberAt(0);
  }

  /** The newest fold that was dropped; 0 if there is none. */
  get dropped(): number {
    return this.#numbers[(this.#at + FLOOR) >> 1] as number;
  }

  /** The place of the oldest set that is not acknowledged. */
  get firstCounted(): number {
    return this.#words[this.#at + KEPT] as number;
  }

  /** The number of the fold at a place; Infinity for the open set, which is newer than every fold. */
  numberAt(place: number): number {
    return place === this.length - 1 ? Infinity : (this.#numbers[this.#set(place) >> 1] as number);
  }

  slotAt(place: number): number {
    return this.#words[this.#set(place) + SLOT] as number;
  }

  /** The place of a fold, or -1. */
  placeOf(fold: number): number {
    for (let place = 0; place < this.length - 1; place++) if (this.numberAt(place) === fold) return place;
    return -1;
  }

  /** Makes the open set a fold, and one whose shards are in `slot`, with nothing in them, the open one. */
  seal(fold: number, slot: number): void {
    this.#numbers[this.#set(this.length - 1) >> 1] = fold;
    this.#words[this.#set(this.length) + SLOT] = slot;
    this.#words[this.#at + END] = (this.#words[this.#at + END] as number) + 1;
  }

  /** Acknowledges the oldest fold that is not, and keeps it. The one that was kept has to be dropped before. */
  keep(): void {
    this.#words[this.#at + KEPT] = 1;
  }

  /** Drops the fold that is kept. The next one is acknowledged, and kept in its place. */
  drop(): void {
    this.#numbers[(this.#at + FLOOR) >> 1] = this.numberAt(0);
    this.#words[this.#at + FIRST] = (this.#words[this.#at + FIRST] as number) + 1;
  }

  /** Leaves nothing but an open set, in slot 0. */
  reset(): void {
    this.#words.fill(0, this.#at, this.#at + SETS + this.#capacity * SET_WORDS);
    this.#words[this.#at + END] = 1;
  }

  #set(place: number): number {
    const at = ((this.#words[this.#at + FIRST] as number) + place) & (this.#capacity - 1);
    return this.#at + SETS + at * SET_WORDS;
  }
}

/** The open set, the folds that are not acknowledged, and the one that is kept: a power of two, as places go round. */
function capacityOf(maxFolds: number): number {
  return 2 ** Math.ceil(Math.log2(maxFolds + 2));
}

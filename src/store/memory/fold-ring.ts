import { MAX_LABEL_LENGTH, type SealedFold } from "../count-store.ts";
import type { Heap } from "./heap.ts";
import { checkLayout } from "./layout.ts";

// The ring, in words:
//
//   word 0       1     2      3       4         6              8
//     +-------+-----+------+-------+---------+--------------+-------+-------+- - -+-------+
//     | first | next| kept | stamp | dropped | acknowledged | set 0 | set 1 |     |       |    a power of two
//     +-------+-----+------+-------+---------+--------------+-------+-------+- - -+-------+    of sets
//
//   first    number of the oldest set, counted from 0 since the last clear
//   next     number that the next set will have; set n is at n modulo the capacity
//   kept     1 if the oldest set is an acknowledged fold, 0 otherwise
//   stamp    changed before every change of the ring
//   dropped  newest fold that was dropped (number: a 64-bit float, in two words)
//   acknowledged  time of the last acknowledgement (number)
//
// A set is a fold, except the newest one: the open set, in which plays are counted.
//
//   word 0            2                 4      5       6                             58
//     +---------------+-----------------+------+-------+------------------------------+
//     | fold (number) | sealed (number) | slot | songs | label: its length, and ASCII |
//     +---------------+-----------------+------+-------+------------------------------+
//
//   slot     where the set's shards are (shard-table.ts)
//   songs    of a fold: songs that no newer set has
//
// Times are in milliseconds since 1970.
// A change takes effect with the write of `next`, `kept` or `first`.

const FIRST = 0;
const NEXT = 1;
const KEPT = 2;
const STAMP = 3;
const DROPPED = 4;
const ACKNOWLEDGED = 6;
const SETS = 8;
const HEAD = { first: [FIRST, 1], next: [NEXT, 1], kept: [KEPT, 1], stamp: [STAMP, 1] } as const;
checkLayout({ ...HEAD, dropped: [DROPPED, 2], acknowledged: [ACKNOWLEDGED, 2] }, SETS);

const SEALED = 2;
const SLOT = 4;
const SONGS = 5;
const LABEL = 6;
const SET_WORDS = 58;
const PARTS = { fold: [0, 2], sealed: [SEALED, 2], slot: [SLOT, 1], songs: [SONGS, 1] } as const;
checkLayout({ ...PARTS, label: [LABEL, Math.ceil((1 + MAX_LABEL_LENGTH) / 4)] }, SET_WORDS);

/**
 * The sets of a store, oldest first: perhaps an acknowledged fold that is kept, the folds that are not
 * acknowledged, and the open set. A set is known by its place, from 0 on.
 *
 * A thread reads the ring while it holds the lock of any shard, and changes it while it holds all of them.
 */
export class FoldRing {
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #at: number;
  readonly #capacity: number;

  /** `at` is the first word, a multiple of 8. */
  constructor(heap: Heap, at: number, maxFolds: number) {
    this.#words = heap.words;
    this.#numbers = heap.numbers;
    this.#bytes = new Uint8Array(heap.words.buffer);
    this.#at = at;
    this.#capacity = capacityOf(maxFolds);
    Atomics.compareExchange(this.#words, at + NEXT, 0, 1);
  }

  /** Returns the words of a ring. */
  static wordsFor(maxFolds: number): number {
    return SETS + capacityOf(maxFolds) * SET_WORDS;
  }

  /** Sets: 1 or more. */
  get length(): number {
    return (this.#words[this.#at + NEXT] as number) - (this.#words[this.#at + FIRST] as number);
  }

  /** The slot of the open set. */
  get openSlot(): number {
    return this.#words[this.#numbered((this.#words[this.#at + NEXT] as number) - 1) + SLOT] as number;
  }

  /** The newest fold; 0 if none. Needs no lock: `next` is written after the fold that it counts. */
  get newest(): number {
    const last = (this.#words[this.#at + NEXT] as number) - 2;
    return last < 0 ? 0 : (this.#numbers[this.#numbered(last) >> 1] as number);
  }

  /** The newest acknowledged fold; 0 if none is kept. */
  get acknowledged(): number {
    return this.firstCounted === 0 ? 0 : this.numberAt(0);
  }

  /** The newest fold that was dropped; 0 if none. */
  get dropped(): number {
    return this.#numbers[(this.#at + DROPPED) >> 1] as number;
  }

  /** The place of the oldest set that is not acknowledged: 0 or 1. */
  get firstCounted(): number {
    return this.#words[this.#at + KEPT] as number;
  }

  /** True if a fold is not acknowledged. */
  get hasUnacknowledged(): boolean {
    return this.length - 1 > this.firstCounted;
  }

  /** Returns the fold at a place; Infinity for the open set, which is newer than every fold. */
  numberAt(place: number): number {
    return place === this.length - 1 ? Infinity : (this.#numbers[this.#set(place) >> 1] as number);
  }

  /** Returns when the fold at a place was sealed, in milliseconds since 1970; `undefined` if unknown. */
  sealedAt(place: number): number | undefined {
    return this.#numbers[(this.#set(place) + SEALED) >> 1] || undefined;
  }

  /** Returns the label of the fold at a place. */
  labelAt(place: number): string {
    const at = (this.#set(place) + LABEL) * 4;
    return String.fromCharCode(...this.#bytes.subarray(at + 1, at + 1 + (this.#bytes[at] as number)));
  }

  /** When the last fold was acknowledged, in milliseconds since 1970; 0 if none was. */
  get acknowledgedAt(): number {
    return this.#numbers[(this.#at + ACKNOWLEDGED) >> 1] as number;
  }

  /** Differs after every change of the ring. */
  get stamp(): number {
    return this.#words[this.#at + STAMP] as number;
  }

  /** Returns the slot of the set at a place. */
  slotAt(place: number): number {
    return this.#words[this.#set(place) + SLOT] as number;
  }

  /** Returns the songs of the fold at a place that no newer set has. */
  songsAt(place: number): number {
    return Atomics.load(this.#words, this.#set(place) + SONGS);
  }

  /** Notes that a newer set has a song of the fold at a place. The lock of its shard suffices. */
  loseSong(place: number): void {
    Atomics.sub(this.#words, this.#set(place) + SONGS, 1);
  }

  /** Returns the place of a fold, or -1. */
  placeOf(fold: number): number {
    for (let place = 0; place < this.length - 1; place++) if (this.numberAt(place) === fold) return place;
    return -1;
  }

  /** Makes the open set a fold, and opens that in `slot`. `songs`: those that are counted. */
  seal({ fold, label, sealedAt = 0 }: SealedFold, slot: number, songs: number): void {
    this.#countChange();
    const open = this.#set(this.length - 1);
    let own = songs;
    for (let place = this.firstCounted; place < this.length - 1; place++) own -= this.songsAt(place);
    this.#words[open + SONGS] = own;
    this.#bytes.set([label.length, ...Array.from(label, (c) => c.charCodeAt(0))], (open + LABEL) * 4);
    this.#numbers[open >> 1] = fold;
    this.#numbers[(open + SEALED) >> 1] = sealedAt;
    this.#words[this.#set(this.length) + SLOT] = slot;
    this.#words[this.#at + NEXT] = (this.#words[this.#at + NEXT] as number) + 1;
  }

  /** Acknowledges the oldest fold, and keeps it. No other fold may be kept. */
  keep(now: number): void {
    this.#countChange();
    this.#numbers[(this.#at + ACKNOWLEDGED) >> 1] = now;
    this.#words[this.#at + KEPT] = 1;
  }

  /** Drops the kept fold. The next one is acknowledged, and kept instead. */
  drop(now: number): void {
    this.#countChange();
    this.#numbers[(this.#at + ACKNOWLEDGED) >> 1] = now;
    this.#numbers[(this.#at + DROPPED) >> 1] = this.numberAt(0);
    this.#words[this.#at + FIRST] = (this.#words[this.#at + FIRST] as number) + 1;
  }

  /** Leaves only an open set, in slot 0. */
  reset(): void {
    const stamp = this.stamp + 1;
    this.#words.fill(0, this.#at, this.#at + SETS + this.#capacity * SET_WORDS);
    this.#words[this.#at + STAMP] = stamp;
    this.#words[this.#at + NEXT] = 1;
  }

  #countChange(): void {
    this.#words[this.#at + STAMP] = this.stamp + 1;
  }

  #set(place: number): number {
    return this.#numbered((this.#words[this.#at + FIRST] as number) + place);
  }

  #numbered(number: number): number {
    return this.#at + SETS + (number & (this.#capacity - 1)) * SET_WORDS;
  }
}

/** The open set, `maxFolds` folds, and the kept one; a power of two, as places wrap around. */
function capacityOf(maxFolds: number): number {
  return 2 ** Math.ceil(Math.log2(maxFolds + 2));
}

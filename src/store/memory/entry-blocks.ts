import type { Heap } from "./heap.ts";
import { type PackedId, unitsOfEntry, wordsOfId } from "./packed-id.ts";

// Where things are at the beginning of a block, in words.
const OLDER = 0; // the block before
const SIZE = 1; // it has 2^SIZE units, as the memory has written there
const USED = 2; // as many of them are in use, this beginning included
const HEAD_UNITS = 2;

/** Each block is twice as large as the one before: from 256 bytes to 64 KiB. */
const FIRST_SIZE = 5;
const LAST_SIZE = 13;

/**
 * The entries of a shard, one behind the other in blocks: each a count, and behind it the words of an id.
 *
 * An entry is there as soon as its block says that it is in use, which is the last thing that is written.
 */
export class EntryBlocks {
  readonly #heap: Heap;
  readonly #words: Int32Array;
  readonly #counts: Float64Array;
  #newest = 0;

  constructor(heap: Heap) {
    this.#heap = heap;
    this.#words = heap.words;
    this.#counts = heap.numbers;
  }

  /** Goes to the entries whose newest block the word `newest` refers to; 0 there if there are none. */
  moveTo(newest: number): void {
    this.#newest = newest;
  }

  /** Adds an entry and gives it, or 0 if there is no memory. */
  append(id: PackedId, count: number): number {
    const words = this.#words;
    const units = unitsOfEntry(id.length);
    const block = this.#blockWithRoom(units);
    if (block === 0) return 0;
    const used = words[block * 2 + USED] as number;
    const entry = block + used;
    this.#counts[entry] = count;
    id.copyTo(words, entry * 2 + 2);
    this.#heap.countChange();
    words[block * 2 + USED] = used + units;
    return entry;
  }

  /** Calls `visit` with every entry. */
  each(visit: (entry: number) => void): void {
    this.#eachBlock((block, used) => {
      for (let entry = block + HEAD_UNITS; entry < block + used;) {
        visit(entry);
        entry += unitsOfEntry(wordsOfId(this.#words[entry * 2 + 2] as number));
      }
    });
  }

  /** Units that all entries take. */
  get units(): number {
    let units = 0;
    this.#eachBlock((_, used) => (units += used - HEAD_UNITS));
    return units;
  }

  /** Copies all entries, without gaps, into what `room` gives for so many units, and tells that number. */
  copyTo(room: (units: number) => Int32Array): number {
    const { units } = this;
    const target = room(units);
    let at = 0;
    this.#eachBlock((block, used) => {
      target.set(this.#words.subarray((block + HEAD_UNITS) * 2, (block + used) * 2), at);
      at += (used - HEAD_UNITS) * 2;
    });
    return units;
  }

  /** Gives back all blocks, one after the other: none twice, even if the thread dies on the way. */
  free(): void {
    const words = this.#words;
    for (let block = words[this.#newest] as number; block !== 0; block = words[this.#newest] as number) {
      words[this.#newest] = words[block * 2 + OLDER] as number;
      this.#heap.free(block, words[block * 2 + SIZE] as number);
    }
  }

  #blockWithRoom(units: number): number {
    const words = this.#words;
    const newest = words[this.#newest] as number;
    if (
      newest !== 0 &&
      (words[newest * 2 + USED] as number) + units <= 2 ** (words[newest * 2 + SIZE] as number)
    )
      return newest;
    let least = FIRST_SIZE;
    while (2 ** least < HEAD_UNITS + units) least++;
    const next = newest === 0 ? FIRST_SIZE : (words[newest * 2 + SIZE] as number) + 1;
    const block = this.#heap.allocateBetween(least, Math.max(least, Math.min(next, LAST_SIZE)));
    if (block === 0) return 0;
    words[block * 2 + OLDER] = newest;
    words[block * 2 + USED] = HEAD_UNITS;
    words[this.#newest] = block;
    return block;
  }

  #eachBlock(visit: (block: number, used: number) => void): void {
    const words = this.#words;
    for (let block = words[this.#newest] as number; block !== 0; block = words[block * 2 + OLDER] as number) {
      visit(block, words[block * 2 + USED] as number);
    }
  }
}

import type { Heap } from "./heap.ts";
import { layOut } from "./layout.ts";
import { unitsOfEntry, wordsOfId } from "../packed-id.ts";

// A block of entries:
//
//   word 0       1      2      3        4
//     +----------+------+------+--------+---------+---------+- - -+--------+
//     | older    | size | used |        | entry   | entry   |     | unused |
//     +----------+------+------+--------+---------+---------+- - -+--------+
//
//   older   block before this one, which is full; 0 if none
//   size    the block has 2^size units (written by slabs.ts)
//   used    units in use, these four words included. Written last: an entry exists as soon as it is included.
//
// An entry is known by the unit of its count:
//
//   word 0                2
//     +-------------------+--------------------------+--------------------------+
//     | count (number)    | packed id (packed-id.ts) | unused, up to a unit     |
//     +-------------------+--------------------------+--------------------------+

const { older: OLDER, size: SIZE, used: USED } = layOut({ older: 1, size: 1, used: 1 });
const HEAD_UNITS = 2;

/** Returns the first word of an entry's id. */
export function idWord(entry: number): number {
  return entry * 2 + 2;
}

/** Sizes of blocks: from 256 bytes to 64 KiB, each twice as large as the one before. */
const FIRST_SIZE = 5;
const LAST_SIZE = 13;

/** The least size of a block if the entries to come are known. */
const LEAST_SIZE = 3;

/** The entries of a shard in one set. The head of the shard begins with its newest block. */
export class EntryBlocks {
  protected readonly heap: Heap;
  readonly words: Int32Array;
  /** The counts, by entry. */
  readonly counts: Float64Array;
  protected head = 0;

  constructor(heap: Heap) {
    this.heap = heap;
    this.words = heap.words;
    this.counts = heap.numbers;
  }

  /** Moves to the shard whose head begins at word `head`. */
  moveTo(head: number): this {
    this.head = head;
    return this;
  }

  /**
   * Adds an entry of the packed id at `at` in `from`. Returns the entry, or 0 if memory is used up. `toCome`:
   * units of this entry and all that follow, if known. They get no larger blocks than they need.
   */
  protected append(from: Int32Array, at: number, count: number, toCome?: number): number {
    const words = this.words;
    const idWords = wordsOfId(from[at] as number);
    const units = unitsOfEntry(idWords);
    const block = this.#blockWithRoom(units, toCome);
    if (block === 0) return 0;
    const used = words[block * 2 + USED] as number;
    const entry = block + used;
    this.counts[entry] = count;
    const to = idWord(entry);
    for (let word = 0; word < idWords; word++) words[to + word] = from[at + word] as number;
    this.heap.recordChange();
    words[block * 2 + USED] = used + units;
    return entry;
  }

  /** Calls `visit` with every entry. */
  each(visit: (entry: number) => void): void {
    for (const block of this.blocks()) this.eachIn(block, visit);
  }

  /** Calls `visit` with every entry of a block. */
  eachIn(block: number, visit: (entry: number) => void): void {
    const end = block + this.#usedOf(block);
    for (let entry = block + HEAD_UNITS; entry < end;) {
      visit(entry);
      entry += unitsOfEntry(wordsOfId(this.words[idWord(entry)] as number));
    }
  }

  /** Units of all entries. */
  get units(): number {
    return this.blocks().reduce((units, block) => units + this.#usedOf(block) - HEAD_UNITS, 0);
  }

  /** Copies all entries, without gaps, to the begin of `target`. */
  copyTo(target: Int32Array): void {
    let at = 0;
    for (const block of this.blocks()) {
      const end = block + this.#usedOf(block);
      target.set(this.words.subarray((block + HEAD_UNITS) * 2, end * 2), at);
      at += (end - block - HEAD_UNITS) * 2;
    }
  }

  /** Frees all blocks. None is freed twice, even if the thread dies half-way. */
  free(): void {
    const words = this.words;
    for (let block = words[this.head] as number; block !== 0; block = words[this.head] as number) {
      words[this.head] = words[block * 2 + OLDER] as number;
      this.heap.free(block, words[block * 2 + SIZE] as number);
    }
  }

  /**
   * Removes the newest entries, down to one that has plays, and returns true if there were any. Frees the
   * blocks that become empty.
   */
  protected removeUnplayedEntries(): boolean {
    const { words, counts, heap, head } = this;
    let isAny = false;
    for (let block = words[head] as number; block !== 0; block = words[head] as number) {
      const used = words[block * 2 + USED] as number;
      let end = HEAD_UNITS;
      for (let entry = block + HEAD_UNITS; entry < block + used;) {
        const isPlayed = (counts[entry] as number) > 0;
        entry += unitsOfEntry(wordsOfId(words[idWord(entry)] as number));
        if (isPlayed) end = entry - block;
      }
      isAny ||= end < used;
      words[block * 2 + USED] = end;
      if (end > HEAD_UNITS) break;
      words[head] = words[block * 2 + OLDER] as number;
      heap.free(block, words[block * 2 + SIZE] as number);
    }
    return isAny;
  }

  #blockWithRoom(units: number, toCome: number | undefined): number {
    const words = this.words;
    const newest = words[this.head] as number;
    if (
      newest !== 0 &&
      (words[newest * 2 + USED] as number) + units <= 1 << (words[newest * 2 + SIZE] as number)
    )
      return newest;
    let least = toCome === undefined ? FIRST_SIZE : LEAST_SIZE;
    while (2 ** least < HEAD_UNITS + units) least++;
    let next = newest === 0 ? FIRST_SIZE : (words[newest * 2 + SIZE] as number) + 1;
    if (toCome !== undefined) next = Math.floor(Math.log2(HEAD_UNITS + toCome));
    const block = this.heap.allocateBetween(least, Math.max(least, Math.min(next, LAST_SIZE)));
    if (block === 0) return 0;
    words[block * 2 + OLDER] = newest;
    words[block * 2 + USED] = HEAD_UNITS;
    words[this.head] = block;
    return block;
  }

  /** Returns all blocks, newest first. */
  blocks(): number[] {
    const blocks: number[] = [];
    const words = this.words;
    for (let block = words[this.head] as number; block !== 0; block = words[block * 2 + OLDER] as number)
      blocks.push(block);
    return blocks;
  }

  #usedOf(block: number): number {
    return this.words[block * 2 + USED] as number;
  }
}

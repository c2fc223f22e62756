import { type GrowingBuffer, growTo } from "./growing-buffer.ts";
import { alignTo, LINE_WORDS, layOut } from "./layout.ts";

// The memory for blocks is divided into slabs of equal size, at most MOST_SLABS of them. A slab holds blocks
// of one size. Once all of its blocks are free, it can hold blocks of any other: what one fold used serves
// every later song, however long its id is. Blocks of the size of a slab, and larger ones, take whole slabs.
// The records of the slabs come first:
//
//   word 0        1        2       3        4
//     +---------+--------+-------+--------+- - -+--------+--------+- - -
//     | size    | used   | free  | carved |     | slab 0 | slab 1 |
//     +---------+--------+-------+--------+- - -+--------+--------+- - -
//     | record of slab 0                  |
//
//   size    its blocks have 2^size units; WHOLE if it is a part of a larger block
//   used    blocks in use. A slab with none is free
//   free    first free block, of which each has the next one in word 0; 0 if none
//   carved  blocks that were in use once. Those after them are not in the list of free ones
//
// For each size of blocks the heap has two hints. No slab below the first one has a block of that size in its
// list, free slabs excepted; or, for the size of a slab, no slab below it is free. The second one is the slab
// from which the next block will be carved, if it still has blocks of that size.
//
// If a thread dies between two writes, `used` may be too high and a hint too low, never the reverse. So a
// block may be lost until the next clear, but none is handed out twice.

const RECORD = layOut({ size: 1, used: 1, free: 1, carved: 1 });
const { size: SIZE, used: USED, free: FREE, carved: CARVED, end: RECORD_WORDS } = RECORD;
const WHOLE = -1;

/** Word of a block that holds its size. */
const BLOCK_SIZE = 1;

/** More would be searched too slowly: in microseconds. */
const MOST_SLABS = 2048;

/** Least units of a slab, as a power of two: in a small store many sizes share little memory. */
const LEAST_BITS = 8;

/** Sizes of blocks: one for each power of two that a reference can count. */
const SIZES = 32;

/** Words of the hints: two for each size. */
export const HINTS: number = 2 * SIZES;

/** The blocks of a heap. The caller holds its lock. */
export class Slabs {
  readonly #buffer: GrowingBuffer;
  readonly #words: Int32Array;
  readonly #hints: number;
  readonly #records: number;
  /** A slab has 2^bits units. */
  readonly #bits: number;
  readonly #count: number;
  /** The first unit of slab 0. */
  readonly #first: number;

  /** The hints begin with word `hints`, the records with word `records`. */
  constructor(buffer: GrowingBuffer, hints: number, records: number) {
    this.#buffer = buffer;
    this.#hints = hints;
    this.#records = records;
    const units = buffer.maxByteLength / 8 - records / 2;
    this.#bits = Math.max(LEAST_BITS, Math.ceil(Math.log2(units / MOST_SLABS)));
    const wanted = Math.floor(units / 2 ** this.#bits);
    const first = alignTo(records + wanted * RECORD_WORDS, LINE_WORDS);
    this.#first = first / 2;
    this.#count = Math.floor((buffer.maxByteLength / 8 - this.#first) / 2 ** this.#bits);
    growTo(buffer, first * 4);
    this.#words = new Int32Array(buffer);
  }

  /**
   * Returns a block of 2^`least` to 2^`most` units, or 0 if memory is used up: the largest that was freed,
   * or, if none was, the largest new one. Writes its size into word 1.
   */
  allocate(least: number, most: number): number {
    const end = this.#slabsUsed;
    for (let size = most; size >= least; size--) {
      const block = this.#takeFreed(size, end, size === most ? 0 : 1);
      if (block !== 0) return this.#sized(block, size);
    }
    for (let size = most; size >= least; size--) {
      const block = this.#takeNew(size);
      if (block !== 0) return this.#sized(block, size);
    }
    return 0;
  }

  #sized(block: number, size: number): number {
    this.#words[block * 2 + BLOCK_SIZE] = size;
    return block;
  }

  /** Frees a block of 2^`size` units. */
  free(block: number, size: number): void {
    const words = this.#words;
    const slab = (block - this.#first) >> this.#bits;
    const record = this.#recordOf(slab);
    if (size >= this.#bits) {
      this.#lowerHint(this.#bits, slab);
      const end = record + RECORD_WORDS * 2 ** (size - this.#bits);
      for (let at = record; at < end; at += RECORD_WORDS) words[at + USED] = 0;
      return;
    }
    this.#lowerHint(size, slab);
    if (words[record + USED] === 1) this.#lowerHint(this.#bits, slab);
    words[block * 2] = words[record + FREE] as number;
    words[record + FREE] = block;
    words[record + USED] = (words[record + USED] as number) - 1;
  }

  /** Frees all blocks at once. */
  freeAll(): void {
    this.#words.fill(0, this.#records, this.#recordOf(this.#count));
    this.#words.fill(0, this.#hints, this.#hints + HINTS);
  }

  /**
   * Takes a block that was in use before, from a slab before `end` with `leastUsed` blocks in use or more: a
   * free slab is left to the size that is wanted most.
   */
  #takeFreed(size: number, end: number, leastUsed: number): number {
    if (size >= this.#bits) return 0;
    const words = this.#words;
    for (let slab = words[this.#hints + size] as number; slab < end; slab++) {
      const record = this.#recordOf(slab);
      if (words[record + SIZE] !== size || words[record + FREE] === 0) continue;
      const used = words[record + USED] as number;
      if (used < leastUsed) continue;
      words[this.#hints + size] = slab;
      words[record + USED] = used + 1;
      const block = words[record + FREE] as number;
      words[record + FREE] = words[block * 2] as number;
      return block;
    }
    words[this.#hints + size] = end;
    return 0;
  }

  /** Slabs up to the last one that was ever used. */
  get #slabsUsed(): number {
    const used = Math.ceil((this.#buffer.byteLength / 8 - this.#first) / 2 ** this.#bits);
    return Math.min(used, this.#count);
  }

  /** Carves a block from a slab, if need be from a free one; or takes as many free slabs as it needs. */
  #takeNew(size: number): number {
    if (size >= this.#bits) return this.#takeWhole(2 ** (size - this.#bits));
    const words = this.#words;
    const current = this.#hints + SIZES + size;
    let slab = words[current] as number;
    const record = this.#recordOf(slab);
    const isFull = words[record + CARVED] === 2 ** (this.#bits - size);
    if (isFull || words[record + SIZE] !== size || words[record + USED] === 0) {
      slab = this.#takeSlab(size);
      if (slab === this.#count) return 0;
      words[current] = slab;
    }
    return this.#carve(slab, size);
  }

  #carve(slab: number, size: number): number {
    const words = this.#words;
    const record = this.#recordOf(slab);
    const carved = words[record + CARVED] as number;
    const block = this.#unitOf(slab) + carved * 2 ** size;
    words[record + USED] = (words[record + USED] as number) + 1;
    words[record + CARVED] = carved + 1;
    growTo(this.#buffer, (block + 2 ** size) * 8);
    return block;
  }

  /** Returns a free slab, for blocks of 2^`size` units from now on; the count of all if there is none. */
  #takeSlab(size: number): number {
    const words = this.#words;
    const slab = this.#findFree(1);
    words[this.#hints + this.#bits] = slab;
    if (slab === this.#count) return slab;
    const record = this.#recordOf(slab);
    words[record + FREE] = 0;
    words[record + CARVED] = 0;
    words[record + SIZE] = size;
    return slab;
  }

  #takeWhole(slabs: number): number {
    const slab = this.#findFree(slabs);
    if (slab === this.#count) return 0;
    for (let at = slab; at < slab + slabs; at++) {
      this.#words[this.#recordOf(at) + SIZE] = WHOLE;
      this.#words[this.#recordOf(at) + USED] = 1;
    }
    growTo(this.#buffer, this.#unitOf(slab + slabs) * 8);
    return this.#unitOf(slab);
  }

  /** Returns the first of `slabs` free ones that follow each other; the count of all if there are none. */
  #findFree(slabs: number): number {
    let found = 0;
    for (let slab = this.#words[this.#hints + this.#bits] as number; slab < this.#count; slab++) {
      found = this.#words[this.#recordOf(slab) + USED] === 0 ? found + 1 : 0;
      if (found === slabs) return slab + 1 - slabs;
    }
    return this.#count;
  }

  #lowerHint(size: number, slab: number): void {
    const at = this.#hints + size;
    if (slab < (this.#words[at] as number)) this.#words[at] = slab;
  }

  #recordOf(slab: number): number {
    return this.#records + slab * RECORD_WORDS;
  }

  #unitOf(slab: number): number {
    return this.#first + slab * 2 ** this.#bits;
  }
}

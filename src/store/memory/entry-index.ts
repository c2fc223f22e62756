import { type EntryBlocks, idWord } from "./entry-blocks.ts";
import type { Heap } from "./heap.ts";
import { checkLayout } from "./layout.ts";
import type { PackedId } from "../packed-id.ts";

// The index's part of a shard's head is two words: its block, and the number of bits. The block has 2^bits
// buckets of one word each. With 0 bits, it has no block yet. A bucket:
//
//   bit 31       29 28                         0
//      +-----------+----------------------------+
//      | hash bits | entry                      |    0: free
//      +-----------+----------------------------+
//
// Open addressing with linear probing, at most three quarters in use. The hash bits spare most looks at
// entries of other songs, which are slower than buckets. All of the index can be computed from the entries.

const BLOCK = 0;
const BITS = 1;

/** Words of an index in a shard's head. */
export const INDEX_HEAD_WORDS = 2;
checkLayout({ block: [BLOCK, 1], bits: [BITS, 1] }, INDEX_HEAD_WORDS);

const FIRST_BITS = 4;
const MOST_USED = 0.75;

/** The bits of a bucket that refer to an entry: the heap has at most 2^29 units. */
const REFERENCE = 2 ** 29 - 1;

/** Finds the entries of a shard by their ids. */
export class EntryIndex {
  readonly #heap: Heap;
  readonly #words: Int32Array;
  #head = 0;
  readonly #hashShift: number;

  /** The lowest `hashShift` bits of a hash are not used: they are the same in all of a shard. */
  constructor(heap: Heap, hashShift: number) {
    this.#heap = heap;
    this.#words = heap.words;
    this.#hashShift = hashShift;
  }

  /** Moves to the index whose head begins at word `head`. */
  moveTo(head: number): void {
    this.#head = head;
  }

  /** Returns the entry of a song, or 0. The loop ends, as one bucket at least is free. */
  find(id: PackedId): number {
    const words = this.#words;
    const bits = words[this.#head + BITS] as number;
    if (bits === 0) return 0;
    const first = (words[this.#head + BLOCK] as number) * 2;
    const mask = (1 << bits) - 1;
    const { hash } = id;
    for (let at = (hash >>> this.#hashShift) & mask; ; at = (at + 1) & mask) {
      const bucket = words[first + at] as number;
      if (bucket === 0) return 0;
      const entry = bucket & REFERENCE;
      if (((bucket ^ hash) & ~REFERENCE) === 0 && id.isAt(words, idWord(entry))) return entry;
    }
  }

  /**
   * Grows the index, if needed, for one entry more than `songs`. Returns false if memory is used up.
   * Overwrites `id`.
   */
  grow(songs: number, entries: EntryBlocks, id: PackedId): boolean {
    const words = this.#words;
    const bits = words[this.#head + BITS] as number;
    if (bits > 0 && songs < 2 ** bits * MOST_USED) return true;
    let moreBits = Math.max(FIRST_BITS, bits);
    while (songs >= 2 ** moreBits * MOST_USED) moreBits++;
    const block = this.#heap.allocate(sizeOf(moreBits));
    if (block === 0) return false;
    this.#fill(block, moreBits, entries, id);
    const old = words[this.#head + BLOCK] as number;
    // The block first: if this thread dies now, a larger block with fewer bits can be mended.
    words[this.#head + BLOCK] = block;
    words[this.#head + BITS] = moreBits;
    if (bits > 0) this.#heap.free(old, sizeOf(bits));
    return true;
  }

  /** Adds an entry whose id has `hash`. */
  link(entry: number, hash: number): void {
    this.#link(
      this.#words[this.#head + BLOCK] as number,
      this.#words[this.#head + BITS] as number,
      entry,
      hash,
    );
  }

  /** Fills the index again from the entries. Overwrites `id`. */
  mend(entries: EntryBlocks, id: PackedId): void {
    const bits = this.#words[this.#head + BITS] as number;
    if (bits > 0) this.#fill(this.#words[this.#head + BLOCK] as number, bits, entries, id);
  }

  /** Frees the block. */
  free(): void {
    const words = this.#words;
    const bits = words[this.#head + BITS] as number;
    words[this.#head + BITS] = 0; // first: from here on the index is empty
    if (bits > 0) this.#heap.free(words[this.#head + BLOCK] as number, sizeOf(bits));
    words[this.#head + BLOCK] = 0;
  }

  #fill(block: number, bits: number, entries: EntryBlocks, id: PackedId): void {
    const words = this.#words;
    words.fill(0, block * 2, block * 2 + 2 ** bits);
    entries.each((entry) => this.#link(block, bits, entry, id.hashAt(words, idWord(entry))));
  }

  #link(block: number, bits: number, entry: number, hash: number): void {
    const words = this.#words;
    const mask = (1 << bits) - 1;
    let at = (hash >>> this.#hashShift) & mask;
    while (words[block * 2 + at] !== 0) at = (at + 1) & mask;
    words[block * 2 + at] = entry | (hash & ~REFERENCE);
  }
}

/** Returns the heap's size of a block with 2^`bits` buckets: a unit has two. */
function sizeOf(bits: number): number {
  return bits - 1;
}

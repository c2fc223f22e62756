import type { EntryBlocks } from "./entry-blocks.ts";
import type { Heap } from "./heap.ts";
import type { PackedId } from "./packed-id.ts";

// Where things are in the index's head, in words.
const BLOCK = 0; // the block of the slots, which are words
const BITS = 1; // there are 2^BITS slots; none while this is 0

const FIRST_BITS = 4;
const MOST_USED = 0.75;

/** A slot is 0, or refers to an entry, with the highest bits of its id's hash on top. */
const REFERENCE = 2 ** 29 - 1;

/**
 * Finds the entries of a shard by their ids: slots with open addressing and linear probing, no more than three
 * quarters of them in use. All that it knows can be told from the entries.
 */
export class EntryIndex {
  readonly #heap: Heap;
  readonly #words: Int32Array;
  #head = 0;
  readonly #hashShift: number;

  /** `hashShift` tells how many bits of a hash have been used up. */
  constructor(heap: Heap, hashShift: number) {
    this.#heap = heap;
    this.#words = heap.words;
    this.#hashShift = hashShift;
  }

  /** Goes to the index whose head begins at the word `head`. */
  moveTo(head: number): void {
    this.#head = head;
  }

  /** The entry of a song, or 0. Ends, as there is always a free slot. */
  find(id: PackedId): number {
    const words = this.#words;
    const bits = words[this.#head + BITS] as number;
    if (bits === 0) return 0;
    const first = (words[this.#head + BLOCK] as number) * 2;
    const mask = (1 << bits) - 1;
    const { hash } = id;
    for (let at = (hash >>> this.#hashShift) & mask; ; at = (at + 1) & mask) {
      const slot = words[first + at] as number;
      if (slot === 0) return 0;
      const entry = slot & REFERENCE;
      // The bits on top spare most of the looks at an entry of another song, which cost more than a slot.
      if (((slot ^ hash) & ~REFERENCE) === 0 && id.isAt(words, entry * 2 + 2)) return entry;
    }
  }

  /**
   * Sees to it that there is a slot for one entry more than the `songs` there are, and tells whether there is.
   * `id` is any.
   */
  grow(songs: number, entries: EntryBlocks, id: PackedId): boolean {
    const words = this.#words;
    const bits = words[this.#head + BITS] as number;
    if (bits > 0 && songs < 2 ** bits * MOST_USED) return true;
    const moreBits = bits === 0 ? FIRST_BITS : bits + 1;
    const block = this.#heap.allocate(sizeOf(moreBits));
    if (block === 0) return false;
    this.#fill(block, moreBits, entries, id);
    const old = words[this.#head + BLOCK] as number;
    // In this order: a new block with the old number of bits can be mended, an old one with the new number could not.
    words[this.#head + BLOCK] = block;
    words[this.#head + BITS] = moreBits;
    if (bits > 0) this.#heap.free(old, sizeOf(bits));
    return true;
  }

  /** Has a slot refer to an entry whose id has `hash`. */
  link(entry: number, hash: number): void {
    this.#link(
      this.#words[this.#head + BLOCK] as number,
      this.#words[this.#head + BITS] as number,
      entry,
      hash,
    );
  }

  /** Makes the index anew. `id` is any. */
  mend(entries: EntryBlocks, id: PackedId): void {
    const bits = this.#words[this.#head + BITS] as number;
    if (bits > 0) this.#fill(this.#words[this.#head + BLOCK] as number, bits, entries, id);
  }

  /** Gives back its memory. */
  free(): void {
    const words = this.#words;
    const bits = words[this.#head + BITS] as number;
    words[this.#head + BITS] = 0; // first: from then on there is no index
    if (bits > 0) this.#heap.free(words[this.#head + BLOCK] as number, sizeOf(bits));
    words[this.#head + BLOCK] = 0;
  }

  #fill(block: number, bits: number, entries: EntryBlocks, id: PackedId): void {
    const words = this.#words;
    words.fill(0, block * 2, block * 2 + 2 ** bits);
    entries.each((entry) => this.#link(block, bits, entry, id.hashAt(words, entry * 2 + 2)));
  }

  #link(block: number, bits: number, entry: number, hash: number): void {
    const words = this.#words;
    const mask = (1 << bits) - 1;
    let at = (hash >>> this.#hashShift) & mask;
    while (words[block * 2 + at] !== 0) at = (at + 1) & mask;
    words[block * 2 + at] = entry | (hash & ~REFERENCE);
  }
}

/** The size of the block for 2^`bits` slots, as the memory has it: a unit has two. */
function sizeOf(bits: number): number {
  return bits - 1;
}

import { MAX_COUNT } from "../count-store.ts";
import type { PackedId } from "../packed-id.ts";
import { Refusal } from "../refusal.ts";
import { EntryBlocks, idWord } from "./entry-blocks.ts";
import type { Heap } from "./heap.ts";
import { layOut } from "./layout.ts";

// The head of a shard in one set:
//
//   word 0              1       2             3
//     +-----------------+-------+-------------+------------+
//     | newest block    | songs | index block | index bits |
//     | (entry-blocks.ts)       |             |            |
//     +-----------------+-------+-------------+------------+
//
// The index finds entries by their ids. Its block has 2^bits buckets of one word each. With 0 bits, it has no
// block yet. A bucket:
//
//   bit 31       29 28                         0
//      +-----------+----------------------------+
//      | hash bits | entry                      |    0: free
//      +-----------+----------------------------+
//
// Open addressing with linear probing, at most three quarters in use. The hash bits spare most looks at
// entries of other songs, which are slower than buckets. All of the index can be computed from the entries.
//
// Growing
//
// An empty shard has neither a block nor an index. Its first entry allocates a block of 256 bytes, and when a
// block is full the next one has twice its size, up to 64 KiB. Entries never move, and a block is never
// copied. The index doubles when it is three quarters full: it is filled again from the entries, which takes
// time in proportion to the songs of this one shard. Blocks come from the heap, which grows its buffer in
// place, in steps of a quarter, up to the addresses reserved at the start. If it cannot grow, the song is
// refused as `full`, and known songs are still counted. If a thread dies half-way: recovery.ts.

const {
  songs: SONGS,
  index: INDEX,
  bits: BITS,
  end,
} = layOut({ newestBlock: 1, songs: 1, index: 1, bits: 1 });

/** Words of a shard's head. */
export const SHARD_HEAD_WORDS: number = end;

const FIRST_BITS = 4;
const MOST_USED = 0.75;

/** The bits of a bucket that refer to an entry: the heap has at most 2^29 units. */
const REFERENCE = 2 ** 29 - 1;

/**
 * A shard in one set: some of its songs, packed into the heap. The caller holds the shard's lock. One object
 * serves one shard after another.
 */
export class PackedShard extends EntryBlocks {
  readonly #hashShift: number;

  /** The lowest `hashShift` bits of a hash have chosen the shard: the index does not use them. */
  constructor(heap: Heap, hashShift: number) {
    super(heap);
    this.#hashShift = hashShift;
  }

  /** Entries, those without plays included. */
  get songs(): number {
    return this.words[this.head + SONGS] as number;
  }

  /** Returns the plays of a song; 0 if it has none here. */
  get(id: PackedId): number {
    const entry = this.find(id);
    return entry === 0 ? 0 : (this.counts[entry] as number);
  }

  /**
   * Adds `plays` to a song that has `sealed` plays in folds, and `kept` plays in an acknowledged one that is
   * kept. Returns the new count here. Adding 0 makes no entry.
   *
   * @throws {Refusal} `overflow` if the sum would exceed 2^53 − 1, or `full` for a new song if the store has
   * `maxSongs` songs or memory is used up. Nothing has changed then.
   */
  add(id: PackedId, plays: number, sealed: number, kept: number, maxSongs: number): number {
    const { heap } = this;
    const entry = this.find(id);
    const before = entry === 0 ? 0 : (this.counts[entry] as number);
    if (plays > MAX_COUNT - kept - sealed - before) throw Refusal.overflow(sealed + before, plays, kept);
    if (plays === 0) return before;
    const isNew = before + sealed === 0;
    if (isNew) heap.claimSongs(1, maxSongs);
    if (entry === 0 && this.insert(id, plays) === 0) {
      if (isNew) heap.unclaimSongs(1);
      throw Refusal.noMemory();
    } else if (entry !== 0) {
      heap.recordChange();
      this.counts[entry] = before + plays;
    }
    return before + plays;
  }

  /** Returns the entry of a song, or 0. The loop ends, as one bucket at least is free. */
  find(id: PackedId): number {
    const { words, head } = this;
    const bits = words[head + BITS] as number;
    if (bits === 0) return 0;
    const first = (words[head + INDEX] as number) * 2;
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
   * Makes an entry for a song that has none, and returns it, or 0 if memory is used up. No reader sees it
   * while it has no plays.
   */
  insert(id: PackedId, plays: number = 0): number {
    const { songs } = this;
    const entry = this.#growIndex(songs, id) ? this.append(id.words, 0, plays) : 0;
    if (entry === 0) return 0;
    const { words, head } = this;
    this.#link(words[head + INDEX] as number, words[head + BITS] as number, entry, id.hash);
    words[head + SONGS] = songs + 1;
    return entry;
  }

  /**
   * Makes an entry for a song that has none, and returns false if memory is used up. No reader finds it
   * before {@linkcode index}. Its packed id is at `at` in `from`.
   */
  appendSong(from: Int32Array, at: number, plays: number, toCome?: number): boolean {
    if (this.append(from, at, plays, toCome) === 0) return false;
    this.words[this.head + SONGS] = this.songs + 1;
    return true;
  }

  /** Makes the index of appended songs, and returns false if memory is used up. `id` is any id. */
  index(id: PackedId): boolean {
    return this.#growIndex(this.songs, id);
  }

  /** Frees all entries and the index. */
  override free(): void {
    const { words, head } = this;
    super.free();
    const bits = words[head + BITS] as number;
    words[head + BITS] = 0; // first: from here on the index is empty
    if (bits > 0) this.heap.free(words[head + INDEX] as number, sizeOf(bits));
    words[head + INDEX] = 0;
    words[head + SONGS] = 0;
  }

  /** Removes the newest entries, down to one that has plays. `id` is any id. */
  removeUnplayed(id: PackedId): void {
    if (this.removeUnplayedEntries()) this.mend(id);
  }

  /** Computes the number of songs and the index again, after a thread has died. `id` is any id. */
  mend(id: PackedId): void {
    const { words, head } = this;
    let songs = 0;
    this.each(() => songs++);
    words[head + SONGS] = songs;
    const bits = words[head + BITS] as number;
    if (bits > 0) this.#fill(words[head + INDEX] as number, bits, id);
  }

  /** Grows the index, if needed, for one entry more than `songs`. Returns false if memory is used up. */
  #growIndex(songs: number, id: PackedId): boolean {
    const { words, head, heap } = this;
    const bits = words[head + BITS] as number;
    if (bits > 0 && songs < 2 ** bits * MOST_USED) return true;
    let moreBits = Math.max(FIRST_BITS, bits);
    while (songs >= 2 ** moreBits * MOST_USED) moreBits++;
    const block = heap.allocate(sizeOf(moreBits));
    if (block === 0) return false;
    this.#fill(block, moreBits, id);
    const old = words[head + INDEX] as number;
    // The block first: if this thread dies now, a larger block with fewer bits can be mended.
    words[head + INDEX] = block;
    words[head + BITS] = moreBits;
    if (bits > 0) heap.free(old, sizeOf(bits));
    return true;
  }

  #fill(block: number, bits: number, id: PackedId): void {
    const { words } = this;
    words.fill(0, block * 2, block * 2 + 2 ** bits);
    this.each((entry) => this.#link(block, bits, entry, id.hashAt(words, idWord(entry))));
  }

  #link(block: number, bits: number, entry: number, hash: number): void {
    const { words } = this;
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

import { MAX_COUNT } from "../count-store.ts";
import { EntryBlocks, idWord } from "./entry-blocks.ts";
import { EntryIndex, INDEX_HEAD_WORDS } from "./entry-index.ts";
import type { Heap } from "./heap.ts";
import { checkLayout } from "./layout.ts";
import type { PackedId } from "../packed-id.ts";
import { Refusal } from "../refusal.ts";

// The head of a shard in one set:
//
//   word 0             1       2             3
//     +----------------+-------+-------------+------------+
//     | newest block   | songs | index block | index bits |
//     | entry-blocks.ts|       |       entry-index.ts     |
//     +----------------+-------+-------------+------------+
//
// Growing
//
// An empty shard has neither a block nor an index. Its first entry allocates a block of 256 bytes, and when a
// block is full the next one has twice its size, up to 64 KiB. Entries never move, and a block is never
// copied. The index doubles when it is three quarters full: it is filled again from the entries, which takes
// time in proportion to the songs of this one shard. Blocks come from the heap, which grows its buffer in
// place, in steps of a quarter, up to the addresses reserved at the start. If it cannot grow, the song is
// refused as `full`, and known songs are still counted. If a thread dies half-way: recovery.ts.

const NEWEST_BLOCK = 0;
const SONGS = 1;
const INDEX = 2;

/** Words of a shard's head. */
export const SHARD_HEAD_WORDS = 4;

checkLayout(
  { newestBlock: [NEWEST_BLOCK, 1], songs: [SONGS, 1], index: [INDEX, INDEX_HEAD_WORDS] },
  SHARD_HEAD_WORDS,
);

/**
 * A shard in one set: some of its songs, packed into the heap. The caller holds the shard's lock. One object
 * serves one shard after another.
 */
export class PackedShard {
  readonly #heap: Heap;
  #head = 0;
  readonly #entries: EntryBlocks;
  readonly #index: EntryIndex;

  /** The lowest `hashShift` bits of a hash have chosen the shard. */
  constructor(heap: Heap, hashShift: number) {
    this.#heap = heap;
    this.#entries = new EntryBlocks(heap);
    this.#index = new EntryIndex(heap, hashShift);
  }

  /** Moves to the shard whose head begins at word `head`. */
  moveTo(head: number): this {
    this.#head = head;
    this.#entries.moveTo(head + NEWEST_BLOCK);
    this.#index.moveTo(head + INDEX);
    return this;
  }

  /** Entries, those without plays included. */
  get songs(): number {
    return this.#heap.words[this.#head + SONGS] as number;
  }

  /** Units of all entries. */
  get units(): number {
    return this.#entries.units;
  }

  /** Returns the plays of a song; 0 if it has none here. */
  get(id: PackedId): number {
    const entry = this.#index.find(id);
    return entry === 0 ? 0 : (this.#heap.numbers[entry] as number);
  }

  /**
   * Adds `plays`, 1 or more, to a song that has `sealed` plays in folds, and `kept` plays in an acknowledged
   * one that is kept. Returns the new count here.
   *
   * @throws {Refusal} `overflow` if the sum would exceed 2^53 − 1, or `full` for a new song if the store has
   * `maxSongs` songs or memory is used up. Nothing has changed then.
   */
  add(id: PackedId, plays: number, sealed: number, kept: number, maxSongs: number): number {
    const heap = this.#heap;
    const entry = this.#index.find(id);
    const before = entry === 0 ? 0 : (heap.numbers[entry] as number);
    if (plays > MAX_COUNT - kept - sealed - before) throw Refusal.overflow(sealed + before, plays, kept);
    const isNew = before + sealed === 0;
    if (isNew && !heap.claimSongs(1, maxSongs)) throw Refusal.full(maxSongs);
    if (entry === 0 && this.#insert(id, plays) === 0) {
      if (isNew) heap.unclaimSongs(1);
      throw Refusal.noMemory();
    } else if (entry !== 0) {
      heap.recordChange();
      heap.numbers[entry] = before + plays;
    }
    return before + plays;
  }

  /** Returns the entry of a song, which is the unit of its count, or 0. */
  find(id: PackedId): number {
    return this.#index.find(id);
  }

  /**
   * Makes an entry without plays for a song that has none, and returns it, or 0 if memory is used up. No
   * reader sees it.
   */
  insert(id: PackedId): number {
    return this.#insert(id, 0);
  }

  /**
   * Makes an entry for a song that has none, and returns false if memory is used up. No reader finds it
   * before {@linkcode index}.
   */
  append(id: PackedId, plays: number): boolean {
    if (this.#entries.append(id, plays) === 0) return false;
    this.#heap.words[this.#head + SONGS] = this.songs + 1;
    return true;
  }

  /** Makes the index of appended songs, and returns false if memory is used up. Overwrites `id`. */
  index(id: PackedId): boolean {
    return this.#index.grow(this.songs, this.#entries, id);
  }

  /** Calls `visit` with the count of each entry that has plays. During the call, `id` is the song's id. */
  each(id: PackedId, visit: (entry: number, count: number) => void): void {
    const { words, numbers: counts } = this.#heap;
    this.#entries.each((entry) => {
      const count = counts[entry] as number;
      if (count === 0) return;
      id.setAt(words, idWord(entry));
      visit(entry, count);
    });
  }

  /**
   * Copies all entries, without gaps, into the words that `allocate` returns for their units. Returns the
   * number of units.
   */
  copyTo(allocate: (units: number) => Int32Array): number {
    return this.#entries.copyTo(allocate);
  }

  /** Frees all entries and the index. */
  free(): void {
    this.#entries.free();
    this.#index.free();
    this.#heap.words[this.#head + SONGS] = 0;
  }

  /** Computes the number of songs and the index again, after a thread has died. Overwrites `id`. */
  mend(id: PackedId): void {
    let songs = 0;
    this.#entries.each(() => songs++);
    this.#heap.words[this.#head + SONGS] = songs;
    this.#index.mend(this.#entries, id);
  }

  #insert(id: PackedId, plays: number): number {
    const { songs } = this;
    const entry = this.#index.grow(songs, this.#entries, id) ? this.#entries.append(id, plays) : 0;
    if (entry === 0) return 0;
    this.#index.link(entry, id.hash);
    this.#heap.words[this.#head + SONGS] = songs + 1;
    return entry;
  }
}

import { MAX_COUNT } from "../count-store.ts";
import { EntryBlocks } from "./entry-blocks.ts";
import { EntryIndex } from "./entry-index.ts";
import type { Heap } from "./heap.ts";
import type { PackedId } from "./packed-id.ts";
import { Refusal } from "../refusal.ts";

/** Words in a shard's head. */
export const HEAD_WORDS = 4;

// Where things are in the head, in words.
const NEWEST_BLOCK = 0;
const SONGS = 1;
const INDEX = 2;

/**
 * Some of the songs, packed in memory. Whoever calls must hold the shard's lock. One object serves one shard after the
 * other: thousands of them would be more than what processors keep at hand.
 *
 * A thread may die at any point: what it writes is in such an order that the shard can be mended. An addition has
 * happened as soon as one word, or one count, is written, and all the rest can be told from the entries.
 */
export class PackedShard {
  readonly #heap: Heap;
  #head = 0;
  readonly #entries: EntryBlocks;
  readonly #index: EntryIndex;

  /** `hashShift` tells how many bits of a hash chose the shard. */
  constructor(heap: Heap, hashShift: number) {
    this.#heap = heap;
    this.#entries = new EntryBlocks(heap);
    this.#index = new EntryIndex(heap, hashShift);
  }

  /** Goes to the shard whose head begins at the word `head`. */
  moveTo(head: number): this {
    this.#head = head;
    this.#entries.moveTo(head + NEWEST_BLOCK);
    this.#index.moveTo(head + INDEX);
    return this;
  }

  /** Entries that there are, those without plays included. */
  get songs(): number {
    return this.#heap.words[this.#head + SONGS] as number;
  }

  /** Units that all entries take. */
  get units(): number {
    return this.#entries.units;
  }

  /** The plays of a song; 0 if it is not here. */
  get(id: PackedId): number {
    const entry = this.#index.find(id);
    return entry === 0 ? 0 : (this.#heap.numbers[entry] as number);
  }

  /**
   * Adds `plays`, 1 or more, to a song that has `elsewhere` plays in other sets, and gives the new count here.
   *
   * @throws {Refusal} `overflow` if the sum would pass 2^53 − 1, or `full` if there are `maxSongs` songs or is no
   * memory; nothing has changed.
   */
  add(id: PackedId, plays: number, elsewhere: number, maxSongs: number): number {
    const heap = this.#heap;
    const entry = this.#index.find(id);
    const before = entry === 0 ? 0 : (heap.numbers[entry] as number);
    if (plays > MAX_COUNT - elsewhere - before) throw Refusal.overflow(elsewhere + before, plays);
    const isNew = before + elsewhere === 0;
    if (isNew && !heap.claimSongs(1, maxSongs)) throw Refusal.full(maxSongs);
    if (entry === 0 && this.#insert(id, plays) === 0) {
      if (isNew) heap.unclaimSongs(1);
      throw Refusal.noMemory();
    } else if (entry !== 0) {
      heap.countChange();
      heap.numbers[entry] = before + plays;
    }
    heap.numbers[heap.playsUnit] = (heap.numbers[heap.playsUnit] as number) + plays;
    return before + plays;
  }

  /** The entry of a song, or 0: where its count is. */
  find(id: PackedId): number {
    return this.#index.find(id);
  }

  /** Makes an entry for a song that has none, with no plays: it is as good as not there. 0 if there is no memory. */
  place(id: PackedId): number {
    return this.#insert(id, 0);
  }

  /** Calls `visit` with each entry that has plays, and its count; what `id` is set to is its song meanwhile. */
  each(id: PackedId, visit: (entry: number, count: number) => void): void {
    const { words, numbers: counts } = this.#heap;
    this.#entries.each((entry) => {
      const count = counts[entry] as number;
      if (count === 0) return;
      id.setAt(words, entry * 2 + 2);
      visit(entry, count);
    });
  }

  /** Copies all entries, without gaps, into what `room` gives for so many units, and tells that number. */
  copyTo(room: (units: number) => Int32Array): number {
    return this.#entries.copyTo(room);
  }

  /** Forgets all songs, and gives back the memory that they take. */
  free(): void {
    this.#entries.free();
    this.#index.free();
    this.#heap.words[this.#head + SONGS] = 0;
  }

  /** Puts right what a thread that died may have left half done. `id` is any. */
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

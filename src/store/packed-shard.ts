import { MAX_COUNT, Refusal } from "./count-store.ts";
import { EntryBlocks } from "./entry-blocks.ts";
import { EntryIndex } from "./entry-index.ts";
import type { Memory } from "./memory.ts";
import type { PackedId } from "./packed-id.ts";

/** Words in a shard's head. */
export const HEAD_WORDS = 4;

// Where things are in the head, in words.
const NEWEST_BLOCK = 0;
const SONGS = 1;
const INDEX = 2;

/**
 * Some of the songs, packed in memory. Whoever calls must hold the shard's lock.
 *
 * A thread may die at any point: what it writes is in such an order that the shard can be mended. An addition has
 * happened as soon as one word, or one count, is written, and all the rest can be told from the entries.
 */
export class PackedShard {
  readonly #memory: Memory;
  readonly #head: number;
  readonly #entries: EntryBlocks;
  readonly #index: EntryIndex;

  /** `head` is the word that the shard's head begins at; `hashShift`, how many bits of a hash chose the shard. */
  constructor(memory: Memory, head: number, hashShift: number) {
    this.#memory = memory;
    this.#head = head;
    this.#entries = new EntryBlocks(memory, head + NEWEST_BLOCK);
    this.#index = new EntryIndex(memory, head + INDEX, hashShift);
  }

  /** Songs that there are. */
  get songs(): number {
    return this.#memory.words[this.#head + SONGS] as number;
  }

  /** The plays of a song; 0 if it is not here. */
  get(id: PackedId): number {
    const entry = this.#index.find(id);
    return entry === 0 ? 0 : (this.#memory.counts[entry] as number);
  }

  /**
   * Adds `plays`, 1 or more, and gives the new count.
   *
   * @throws {Refusal} `overflow`, or `full` if there are `maxSongs` songs or is no memory; nothing has changed.
   */
  add(id: PackedId, plays: number, maxSongs: number): number {
    const entry = this.#index.find(id);
    if (entry === 0) return this.#insert(id, plays, maxSongs);
    const before = this.#memory.counts[entry] as number;
    if (plays > MAX_COUNT - before) throw Refusal.overflow(before, plays);
    this.#memory.countChange();
    this.#memory.counts[entry] = before + plays;
    return before + plays;
  }

  /** Copies all entries, without gaps, into what `room` gives for so many units, and tells that number. */
  copyTo(room: (units: number) => Int32Array): number {
    return this.#entries.copyTo(room);
  }

  /** Forgets all songs. The memory that they take is the caller's to take back. */
  forget(): void {
    const { words } = this.#memory;
    words[this.#head + NEWEST_BLOCK] = 0; // first: without entries there is nothing in the shard
    words.fill(0, this.#head, this.#head + HEAD_WORDS);
  }

  /** Puts right what a thread that died may have left half done. `id` is any. */
  mend(id: PackedId): void {
    let songs = 0;
    this.#entries.each(() => songs++);
    this.#memory.words[this.#head + SONGS] = songs;
    this.#index.mend(this.#entries, id);
  }

  #insert(id: PackedId, plays: number, maxSongs: number): number {
    const memory = this.#memory;
    if (!memory.claim(maxSongs)) throw Refusal.full(maxSongs);
    const { songs } = this;
    const entry = this.#index.grow(songs, this.#entries, id) ? this.#entries.append(id, plays) : 0;
    if (entry === 0) {
      memory.unclaim();
      throw new Refusal("full", "There is no memory for a new song");
    }
    this.#index.link(entry, id.hash);
    memory.words[this.#head + SONGS] = songs + 1;
    return plays;
  }
}

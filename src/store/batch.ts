import { type BatchAddition, type Entry, MAX_COUNT, Refusal } from "./count-store.ts";
import type { Shards } from "./shards.ts";

/** One song of a batch. */
interface Item {
  id: string;
  /** The shard that it is in. */
  at: number;
  plays: number;
  /** The entry in the open set; 0 until there is one. */
  entry: number;
  /** The plays in the open set before. */
  before: number;
  /** The plays in the folds that are not acknowledged. */
  sealed: number;
}

/** Adds to several songs at one instant; see {@linkcode CountStore.addAll}. */
export class Batch {
  readonly #shards: Shards;
  readonly #maxSongs: number;

  constructor(shards: Shards, maxSongs: number) {
    this.#shards = shards;
    this.#maxSongs = maxSongs;
  }

  add(plays: ReadonlyMap<string, number>): BatchAddition {
    const { count, ring } = this.#shards;
    const items: Item[] = [];
    const isTouched = new Uint8Array(count);
    isTouched[0] = Number(plays.size === 0); // of no song at all the ring is asked, which takes a lock
    for (const [id, more] of plays) {
      const at = this.#shards.locate(id);
      isTouched[at] = 1;
      items.push({ id, at, plays: more, entry: 0, before: 0, sealed: 0 });
    }
    // In their order, or else two threads might wait for each other.
    for (let at = 0; at < count; at++) if (isTouched[at] === 1) this.#shards.lock(at);
    try {
      return { counts: this.#addLocked(items), fold: ring.newest };
    } finally {
      for (let at = 0; at < count; at++) if (isTouched[at] === 1) this.#shards.unlock(at);
    }
  }

  #addLocked(items: readonly Item[]): Entry[] {
    const { memory } = this.#shards;
    let songs = 0;
    for (const item of items) songs += Number(this.#look(item));
    if (songs > 0 && !memory.claim(songs, this.#maxSongs)) throw Refusal.full(this.#maxSongs);
    if (!this.#write(items)) {
      memory.unclaim(songs);
      throw Refusal.noMemory();
    }
    return items.map(({ id, sealed, before, plays }): Entry => [id, sealed + before + plays]);
  }

  /** Looks up what a song has, and tells whether it is new. */
  #look(item: Item): boolean {
    const { ring, memory, id } = this.#shards;
    this.#shards.locate(item.id);
    item.entry = this.#shards.open(item.at).find(id);
    item.before = item.entry === 0 ? 0 : (memory.counts[item.entry] as number);
    let kept = 0;
    if (ring.length > 1) {
      item.sealed = this.#shards.sum(item.at, ring.firstCounted, ring.length - 1);
      kept = this.#shards.sum(item.at, 0, ring.firstCounted);
    }
    const all = kept + item.sealed + item.before;
    if (item.plays > MAX_COUNT - all) throw Refusal.overflow(all, item.plays);
    return item.plays > 0 && all === 0;
  }

  /** Writes the new counts; false, and nothing has changed, if there is no memory. */
  #write(items: readonly Item[]): boolean {
    const entries: number[] = [];
    const counts: number[] = [];
    for (const item of items) {
      if (item.plays === 0) continue;
      // An entry without plays is as good as none, should there be no memory for one of the others.
      if (item.entry === 0) item.entry = this.#place(item);
      if (item.entry === 0) return false;
      entries.push(item.entry);
      counts.push(item.before + item.plays);
    }
    return entries.length === 0 || this.#shards.journal.write(entries, counts);
  }

  #place({ id, at }: Item): number {
    this.#shards.locate(id);
    return this.#shards.open(at).place(this.#shards.id);
  }
}

import { type BatchAddition, type Entry, MAX_COUNT, Refusal } from "./count-store.ts";
import type { Shards } from "./shards.ts";

/** One song of a batch, while its shard is locked. */
interface Item {
  id: string;
  at: number;
  plays: number;
  /** The entry in the open set; 0 until there is one. */
  entry: number;
  /** The plays in the open set. */
  before: number;
  /** The plays in the folds that are not acknowledged. */
  sealed: number;
  isNew: boolean;
}

/** Adds to several songs at one instant; see {@linkcode CountStore.addAll}. */
export class Batch {
  readonly #shards: Shards;
  readonly #maxSongs: number;
  readonly #maxIdBytes: number;

  constructor(shards: Shards, limits: { maxSongs: number; maxIdBytes: number }) {
    this.#shards = shards;
    this.#maxSongs = limits.maxSongs;
    this.#maxIdBytes = limits.maxIdBytes;
  }

  add(plays: ReadonlyMap<string, number>): BatchAddition {
    const { id, count, ring } = this.#shards;
    const items: { id: string; at: number; plays: number }[] = [];
    const isTouched = new Uint8Array(count);
    for (const [name, more] of plays) {
      id.set(name, this.#maxIdBytes);
      const at = id.hash & (count - 1);
      isTouched[at] = 1;
      items.push({ id: name, at, plays: more });
    }
    // In their order, or else two threads might wait for each other.
    for (let at = 0; at < count; at++) if (isTouched[at] === 1) this.#shards.lock(at);
    try {
      if (items.length === 0) return { counts: [], fold: this.#shards.whileLocked(0, () => ring.newest) };
      return { counts: this.#addLocked(items.map((item) => this.#look(item))), fold: ring.newest };
    } finally {
      for (let at = 0; at < count; at++) if (isTouched[at] === 1) this.#shards.unlock(at);
    }
  }

  #look({ id, at, plays }: { id: string; at: number; plays: number }): Item {
    const { ring, memory } = this.#shards;
    this.#shards.id.set(id, this.#maxIdBytes);
    const entry = this.#shards.open(at).find(this.#shards.id);
    const before = entry === 0 ? 0 : (memory.counts[entry] as number);
    const sealed = this.#shards.sum(at, ring.firstCounted, ring.length - 1);
    const elsewhere = sealed + this.#shards.sum(at, 0, ring.firstCounted);
    if (plays > MAX_COUNT - elsewhere - before) throw Refusal.overflow(elsewhere + before, plays);
    return { id, at, plays, entry, before, sealed, isNew: plays > 0 && elsewhere + before === 0 };
  }

  #addLocked(items: readonly Item[]): Entry[] {
    const { memory } = this.#shards;
    const songs = items.reduce((sum, { isNew }) => sum + Number(isNew), 0);
    if (songs > 0 && !memory.claim(songs, this.#maxSongs)) throw Refusal.full(this.#maxSongs);
    const added = items.filter(({ plays }) => plays > 0);
    const isDone =
      added.length === 0 ||
      (added.every((item) => this.#place(item)) &&
        this.#shards.journal.write(
          added.map(({ entry }) => entry),
          added.map(({ before, plays }) => before + plays),
        ));
    if (!isDone) {
      memory.unclaim(songs);
      throw Refusal.noMemory();
    }
    return items.map(({ id, sealed, before, plays }): Entry => [id, sealed + before + plays]);
  }

  /** Sees to it that an item has an entry: one without plays is as good as none, should the batch fail. */
  #place(item: Item): boolean {
    if (item.entry !== 0) return true;
    this.#shards.id.set(item.id, this.#maxIdBytes);
    item.entry = this.#shards.open(item.at).place(this.#shards.id);
    return item.entry !== 0;
  }
}

import type { Chunk, Entry } from "../count-store.ts";
import { UNIT } from "./heap.ts";
import { type PackedId, bytesOfId, LENGTH_BYTES, readId, unitsOfEntry, wordsOfId } from "./packed-id.ts";
import type { PackedShard } from "./packed-shard.ts";

/** A step gives so many units of entries, and the rest of the last one: 64 KiB, which takes less than a millisecond to write. */
const STEP_UNITS = 8192;

const COUNT_BYTES = 8;

/**
 * A copy of a shard's entries as they were at one instant, to be read after its lock is released.
 *
 * Takes one shard after the other, and memory for the largest: with ten million songs half a megabyte, or ten times
 * that if their ids are as long as they may be.
 */
export class ShardSnapshot {
  #words = new Int32Array(0);
  #counts = new Float64Array(0);
  #bytes = new Uint8Array(0);
  #at = 0;
  #end = 0;

  /**
   * Begins anew with a copy of a shard, whose lock the caller holds, as it is in one set or several: a song's count is
   * the sum over all of them. `id` is any. Gives the number of entries.
   */
  take(sets: readonly PackedShard[], id: PackedId): number {
    this.#at = 0;
    const [set] = sets;
    if (sets.length !== 1 || set === undefined) return this.#sum(sets, id);
    this.#end = set.copyTo((units) => this.#room(units));
    return set.songs;
  }

  #sum(sets: readonly PackedShard[], id: PackedId): number {
    let entries = 0;
    this.#room(sets.reduce((units, set) => units + set.units, 0));
    this.#end = 0;
    for (const [place, set] of sets.entries()) {
      const [older, newer] = [sets.slice(0, place), sets.slice(place + 1)];
      set.each(id, (_, count) => {
        if (older.some((other) => other.get(id) > 0)) return; // it has been there already
        this.#counts[this.#end] = newer.reduce((sum, other) => sum + other.get(id), count);
        id.copyTo(this.#words, this.#end * 2 + 2);
        this.#end += unitsOfEntry(id.length);
        entries++;
      });
    }
    return entries;
  }

  /** Gives the next of the entries, as many as make a step; `undefined` if there are no more. */
  next(): Chunk | undefined {
    const first = this.#at;
    const bound = Math.min(this.#end, first + STEP_UNITS);
    while (this.#at < bound) this.#skip();
    return this.#at === first ? undefined : new SnapshotChunk(this, first, this.#at);
  }

  /** Passes over the entries whose count is below `bar`, 1 or more, and gives the first other one. */
  nextFrom(bar: number): Entry | undefined {
    while (this.#at < this.#end && (this.#counts[this.#at] as number) < bar) this.#skip();
    if (this.#at === this.#end) return undefined;
    const entry: Entry = [this.#idAt(this.#at), this.#counts[this.#at] as number];
    this.#skip();
    return entry;
  }

  /** Calls `visit` with the entries from unit `first` to before unit `end`, as {@linkcode Chunk.eachUtf8} does. */
  each(first: number, end: number, visit: Parameters<NonNullable<Chunk["eachUtf8"]>>[0]): void {
    for (let at = first; at < end;) {
      const word = this.#words[at * 2 + 2] as number;
      const start = at * UNIT + COUNT_BYTES + LENGTH_BYTES;
      const count = this.#counts[at] as number;
      if (count > 0) visit(this.#bytes, start, start + bytesOfId(word), count);
      at += unitsOfEntry(wordsOfId(word));
    }
  }

  #idAt(at: number): string {
    const start = at * UNIT + COUNT_BYTES + LENGTH_BYTES;
    return readId(this.#bytes, start, start + bytesOfId(this.#words[at * 2 + 2] as number));
  }

  #skip(): void {
    this.#at += unitsOfEntry(wordsOfId(this.#words[this.#at * 2 + 2] as number));
  }

  #room(units: number): Int32Array {
    if (this.#counts.length < units) {
      this.#counts = new Float64Array(2 ** Math.ceil(Math.log2(units)));
      this.#words = new Int32Array(this.#counts.buffer);
      this.#bytes = new Uint8Array(this.#counts.buffer);
    }
    return this.#words;
  }
}

class SnapshotChunk implements Chunk {
  readonly #snapshot: ShardSnapshot;
  readonly #first: number;
  readonly #end: number;

  constructor(copy: ShardSnapshot, first: number, end: number) {
    this.#snapshot = copy;
    this.#first = first;
    this.#end = end;
  }

  eachUtf8(visit: Parameters<NonNullable<Chunk["eachUtf8"]>>[0]): void {
    this.#snapshot.each(this.#first, this.#end, visit);
  }

  [Symbol.iterator](): Iterator<Entry> {
    const entries: Entry[] = [];
    this.eachUtf8((bytes, start, end, count) => entries.push([readId(bytes, start, end), count]));
    return entries.values();
  }
}

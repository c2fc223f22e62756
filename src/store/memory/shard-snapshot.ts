import type { Chunk, Entry } from "../count-store.ts";
import { idWord } from "./entry-blocks.ts";
import { type PackedId, bytesOfId, LENGTH_BYTES, readId, unitsOfEntry, wordsOfId } from "../packed-id.ts";
import { Utf8Chunk } from "../utf8-chunk.ts";
import type { PackedShard } from "./packed-shard.ts";

/**
 * Units of entries in a chunk: 64 KiB, and the rest of the last entry. A server writes them in less than a
 * millisecond.
 */
const STEP_UNITS = 8192;

/** Together a sort key: the part of a hash that has not chosen the shard, and the place of an entry. */
const HASHES = 2 ** 26;
const MAX_UNITS = 2 ** 27;

/**
 * A copy of a shard's entries at one instant, to be read after its lock is released. The entries follow each
 * other without gaps, laid out as in entry-blocks.ts.
 *
 * One object serves one shard after another, and takes memory for the largest: about 0.5 MB with ten million
 * songs, ten times that with ids of 512 bytes.
 */
export class ShardSnapshot {
  #words = new Int32Array(0);
  #counts = new Float64Array(0);
  #bytes = new Uint8Array(0);
  #at = 0;
  #end = 0;

  /**
   * Copies a shard from one set or several, and returns the number of entries. A song's count is the sum over
   * all `sets`. The caller holds the shard's lock. Overwrites `id`.
   */
  take(sets: readonly PackedShard[], id: PackedId): number {
    this.#at = 0;
    const [set] = sets;
    if (sets.length !== 1 || set === undefined) return this.#sum(sets, id);
    this.#end = set.copyTo((units) => this.#allocate(units));
    return set.songs;
  }

  #sum(sets: readonly PackedShard[], id: PackedId): number {
    let entries = 0;
    this.#allocate(sets.reduce((units, set) => units + set.units, 0));
    this.#end = 0;
    for (const [place, set] of sets.entries()) {
      const [older, newer] = [sets.slice(0, place), sets.slice(place + 1)];
      set.each((entry) => {
        const count = set.counts[entry] as number;
        if (count === 0) return;
        id.setAt(set.words, idWord(entry));
        if (older.some((other) => other.get(id) > 0)) return; // an older set has added it
        this.#counts[this.#end] = newer.reduce((sum, other) => sum + other.get(id), count);
        id.copyTo(this.#words, idWord(this.#end));
        this.#end += unitsOfEntry(id.length);
        entries++;
      });
    }
    return entries;
  }

  /** Sorts the entries by the reversed bits of their hashes, and those of one hash by id. */
  sort(id: PackedId): void {
    const keys: number[] = [];
    for (let at = 0; at < this.#end; at += this.#unitsAt(at))
      keys.push((reverseBits(id.hashAt(this.#words, idWord(at))) % HASHES) * MAX_UNITS + at);
    const sorted = Float64Array.from(keys).sort();
    for (let last = 1; last < sorted.length; last++)
      for (let at = last; at > 0 && this.#isWrong(sorted[at - 1] as number, sorted[at] as number); at--)
        sorted.subarray(at - 1, at + 1).reverse();
    const words = this.#words.slice(0, idWord(this.#end));
    this.#end = 0;
    for (const key of sorted) {
      const from = key % MAX_UNITS;
      const units = unitsOfEntry(wordsOfId(words[idWord(from)] as number));
      this.#words.set(words.subarray(from * 2, (from + units) * 2), this.#end * 2);
      this.#end += units;
    }
  }

  /** True for two entries of one hash whose ids are in the wrong order. */
  #isWrong(key: number, next: number): boolean {
    if (Math.floor(key / MAX_UNITS) !== Math.floor(next / MAX_UNITS)) return false;
    return this.#idAt(key % MAX_UNITS) > this.#idAt(next % MAX_UNITS);
  }

  /** Returns the next entries, or `undefined` at the end. */
  next(): Chunk | undefined {
    const first = this.#at;
    const bound = Math.min(this.#end, first + STEP_UNITS);
    while (this.#at < bound) this.#skip();
    const end = this.#at;
    return end === first ? undefined : new Utf8Chunk((visit) => this.#each(first, end, visit));
  }

  /**
   * Skips entries whose count is below `bar`, 1 or more, and returns the next one, or `undefined` at the end.
   */
  nextFrom(bar: number): Entry | undefined {
    while (this.#at < this.#end && (this.#counts[this.#at] as number) < bar) this.#skip();
    if (this.#at === this.#end) return undefined;
    const entry: Entry = [this.#idAt(this.#at), this.#counts[this.#at] as number];
    this.#skip();
    return entry;
  }

  /** Calls `visit` with the entries from unit `first` to before `end`, as {@linkcode Chunk.eachUtf8} does. */
  #each(first: number, end: number, visit: Parameters<NonNullable<Chunk["eachUtf8"]>>[0]): void {
    for (let at = first; at < end;) {
      const word = this.#words[idWord(at)] as number;
      const start = idWord(at) * 4 + LENGTH_BYTES;
      const count = this.#counts[at] as number;
      if (count > 0) visit(this.#bytes, start, start + bytesOfId(word), count);
      at += unitsOfEntry(wordsOfId(word));
    }
  }

  #idAt(at: number): string {
    const start = idWord(at) * 4 + LENGTH_BYTES;
    return readId(this.#bytes, start, start + bytesOfId(this.#words[idWord(at)] as number));
  }

  #skip(): void {
    this.#at += this.#unitsAt(this.#at);
  }

  #unitsAt(at: number): number {
    return unitsOfEntry(wordsOfId(this.#words[idWord(at)] as number));
  }

  #allocate(units: number): Int32Array {
    if (this.#counts.length < units) {
      this.#counts = new Float64Array(2 ** Math.ceil(Math.log2(units)));
      this.#words = new Int32Array(this.#counts.buffer);
      this.#bytes = new Uint8Array(this.#counts.buffer);
    }
    return this.#words;
  }
}

/** Reverses the bits of a 32-bit number. */
export function reverseBits(bits: number): number {
  bits = ((bits >>> 1) & 0x55555555) | ((bits & 0x55555555) << 1);
  bits = ((bits >>> 2) & 0x33333333) | ((bits & 0x33333333) << 2);
  bits = ((bits >>> 4) & 0x0f0f0f0f) | ((bits & 0x0f0f0f0f) << 4);
  bits = ((bits >>> 8) & 0x00ff00ff) | ((bits & 0x00ff00ff) << 8);
  return ((bits >>> 16) | (bits << 16)) >>> 0;
}

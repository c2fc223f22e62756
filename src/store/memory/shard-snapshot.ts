import type { Chunk } from "../count-store.ts";
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
  /** Number of entries. */
  songs = 0;
  #words = new Int32Array(0);
  #counts = new Float64Array(0);
  #bytes = new Uint8Array(0);
  #end = 0;

  /**
   * Copies a shard from one set or several. A song's count is the sum over all `sets`. The caller holds the
   * shard's lock. Overwrites `id`.
   */
  take(sets: readonly PackedShard[], id: PackedId): void {
    const [set] = sets;
    this.#end = sets.reduce((units, set) => units + set.units, 0);
    this.#allocate(this.#end);
    if (sets.length !== 1 || set === undefined) return this.#sum(sets, id);
    set.copyTo(this.#words);
    this.songs = set.songs;
  }

  #sum(sets: readonly PackedShard[], id: PackedId): void {
    this.#end = 0;
    this.songs = 0;
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
        this.songs++;
      });
    }
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

  /** Lists the entries with plays in chunks. */
  *chunks(): Generator<Chunk> {
    for (let at = 0; at < this.#end;) {
      const first = at;
      while (at < this.#end && at < first + STEP_UNITS) at += this.#unitsAt(at);
      const end = at;
      yield new Utf8Chunk((visit) => this.each(visit, first, end));
    }
  }

  /**
   * Calls `visit` with each entry that has plays, as {@linkcode Chunk.eachUtf8} does: with those from unit
   * `first` to before `end`. Default: all.
   */
  each(
    visit: Parameters<NonNullable<Chunk["eachUtf8"]>>[0],
    first: number = 0,
    end: number = this.#end,
  ): void {
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

  #unitsAt(at: number): number {
    return unitsOfEntry(wordsOfId(this.#words[idWord(at)] as number));
  }

  #allocate(units: number): void {
    if (this.#counts.length >= units) return;
    this.#counts = new Float64Array(2 ** Math.ceil(Math.log2(units)));
    this.#words = new Int32Array(this.#counts.buffer);
    this.#bytes = new Uint8Array(this.#counts.buffer);
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

import type { Chunk } from "../count-store.ts";
import { type EntryBlocks, idWord } from "./entry-blocks.ts";
import { type PackedId, bytesOfId, LENGTH_BYTES, readId, unitsOfEntry, wordsOfId } from "../packed-id.ts";
import { Utf8Chunk } from "../chunks.ts";
import type { PackedShard } from "./packed-shard.ts";

/**
 * Units of entries in a chunk: 64 KiB, and the rest of the last entry. A server writes them in less than a
 * millisecond.
 */
const STEP_UNITS = 8192;

/** Together a sort key: the part of a hash that has not chosen the shard, and the place of an entry. */
const HASHES = 2 ** 26;
const MAX_UNITS = 2 ** 27;

/** Least buckets of the index of songs, which is at most half in use. */
const LEAST_BUCKETS = 64;

/**
 * The entries of a shard, to be read without its lock. They follow each other without gaps, laid out as in
 * entry-blocks.ts: a copy of those of one set, to which those of others can be added.
 *
 * One object serves one shard after another, and takes memory for the largest: 64 to 128 KiB for one set with
 * ids of 14 bytes, as much again for its songs in other sets, and ten times that with ids of 512 bytes.
 */
export class ShardSnapshot {
  /** Number of entries. */
  songs = 0;
  #words = new Int32Array(0);
  #counts = new Float64Array(0);
  #bytes = new Uint8Array(0);
  #end = 0;
  /** Finds an entry, plus 1, by its id, once several sets are added. Open addressing; 0 is free. */
  #index = new Int32Array(0);
  #isIndexed = false;

  /** Copies a shard from one set, in place of what was there. The caller holds the shard's lock. */
  take(set: PackedShard): void {
    const { units } = set;
    this.#end = 0;
    this.#allocate(units);
    set.copyTo(this.#words);
    this.#end = units;
    this.songs = set.songs;
    this.#isIndexed = false;
  }

  /**
   * Adds the plays of one block of entries, and returns the number of those. `id` is any id: it is
   * overwritten.
   */
  add(from: EntryBlocks, block: number, id: PackedId): number {
    if (!this.#isIndexed) this.#fillIndex(id);
    let entries = 0;
    from.eachIn(block, (entry) => {
      entries++;
      const plays = from.counts[entry] as number;
      if (plays === 0) return;
      id.setAt(from.words, idWord(entry));
      const bucket = this.#bucketOf(id);
      const known = this.#index[bucket] as number;
      if (known === 0) this.#append(id, plays, bucket);
      else this.#counts[known - 1] = (this.#counts[known - 1] as number) + plays;
    });
    return entries;
  }

  #append(id: PackedId, plays: number, bucket: number): void {
    const entry = this.#end;
    this.#allocate(entry + unitsOfEntry(id.length));
    this.#counts[entry] = plays;
    id.copyTo(this.#words, idWord(entry));
    this.#end += unitsOfEntry(id.length);
    this.songs++;
    this.#index[bucket] = entry + 1;
    if (this.songs * 2 > this.#index.length) this.#fillIndex(id);
  }

  /** Makes an index for twice the songs. */
  #fillIndex(id: PackedId): void {
    const buckets = Math.max(LEAST_BUCKETS, 2 ** Math.ceil(Math.log2(this.songs * 4)));
    if (buckets > this.#index.length) this.#index = new Int32Array(buckets);
    else this.#index.fill(0);
    for (let at = 0; at < this.#end; at += this.#unitsAt(at)) {
      id.setAt(this.#words, idWord(at));
      this.#index[this.#bucketOf(id)] = at + 1;
    }
    this.#isIndexed = true;
  }

  /** Returns the bucket of an id, or a free one. The lowest bits of all hashes have chosen the shard. */
  #bucketOf(id: PackedId): number {
    const mask = this.#index.length - 1;
    for (let at = reverseBits(id.hash) & mask; ; at = (at + 1) & mask) {
      const entry = this.#index[at] as number;
      if (entry === 0 || id.isAt(this.#words, idWord(entry - 1))) return at;
    }
  }

  /** Sorts the entries by the reversed bits of their hashes, and those of one hash by id. */
  sort(id: PackedId): void {
    if (this.songs < 2) return;
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

  /** Makes room for `units`, and keeps the entries. */
  #allocate(units: number): void {
    if (this.#counts.length >= units) return;
    const before = this.#counts.subarray(0, this.#end);
    this.#counts = new Float64Array(2 ** Math.ceil(Math.log2(units)));
    this.#counts.set(before);
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

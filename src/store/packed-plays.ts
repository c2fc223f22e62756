import { WorkSlice } from "../async/turns.ts";
import { quoted } from "../error-message.ts";
import { checkPlays } from "./arguments.ts";
import { hash64, hashWords, hashWords64, processKey } from "../hash.ts";
import {
  type Chunk,
  type CountStore,
  type Entry,
  isTooLong,
  MAX_COUNT,
  type SongPlays,
} from "./count-store.ts";
import { endOfSlice, inSlices, type PackedBatch, SLICE_WORK, SONG_WORK } from "./packed-batch.ts";
import { bytesOfId, LENGTH_BYTES, packAscii, PackedId, readId, wordsOfId } from "./packed-id.ts";
import { Refusal } from "./refusal.ts";
import { fingerprintOf } from "./request-key.ts";
import { Utf8Chunk } from "./chunks.ts";

const fromAscii = new TextDecoder("latin1");

/** Characters of a text for each of its songs, of which few have fewer: the columns seldom grow. */
const TEXT_PER_SONG = 16;
const [NO_WORDS, NO_NUMBERS] = [new Int32Array(), new Float64Array()];
/** Least room for songs. */
const LEAST_SONGS = 8;

/** The limit of ids and the key of their hashes: a store's. */
export type Packing = Pick<CountStore, "maxIdBytes" | "hashKey">;

/** The plays of a batch, summed by song. Each id is packed and hashed once, for the store and the answer. */
export class PackedPlays implements SongPlays, PackedBatch {
  size = 0;
  /** The plays of all songs. Inexact above 2^53. */
  sum = 0;
  words: Int32Array<ArrayBuffer> = NO_WORDS;
  idPositions: Int32Array<ArrayBuffer> = NO_WORDS;
  plays: Float64Array<ArrayBuffer> = NO_NUMBERS;
  /** Songs by hash, plus 1; 0 is free. Open addressing, at most half in use. */
  #buckets = NO_WORDS;
  #end = 0;
  #isAscii = true;
  #id: PackedId | undefined;
  readonly #key0: number;
  readonly #key1: number;
  readonly #maxIdBytes: number;

  constructor({ hashKey = processKey(), maxIdBytes }: Packing) {
    [this.#key0, this.#key1] = hashKey;
    this.#maxIdBytes = maxIdBytes;
  }

  /** Returns true if the ids are packed as a store needs them. */
  isPackedFor({ hashKey, maxIdBytes }: Packing): boolean {
    const [key0, key1] = hashKey ?? [this.#key0, this.#key1];
    return maxIdBytes === this.#maxIdBytes && key0 === this.#key0 && key1 === this.#key1;
  }

  /**
   * Adds plays to the song whose id stands in `text` from `start` to before `end`.
   *
   * @throws {Refusal} `too long`; `overflow` if the plays of the song exceed 2^53 − 1.
   */
  add(text: string, start: number, end: number, plays: number): void {
    if (this.size === this.plays.length) this.#grow(text.length);
    const idWords = this.#pack(text, start, end);
    const at = this.#end;
    const hash = (this.words[at] = hashWords(this.words, at + 1, idWords, this.#key0, this.#key1));
    const mask = this.#buckets.length - 1;
    let bucket = hash & mask;
    for (; this.#buckets[bucket] !== 0; bucket = (bucket + 1) & mask) {
      const song = (this.#buckets[bucket] as number) - 1;
      if (this.#isSame(this.idPositions[song] as number, at, 1 + idWords)) return this.#addTo(song, plays);
    }
    this.idPositions[this.size] = at;
    this.plays[this.size] = plays;
    this.sum += plays;
    this.#end += 1 + idWords;
    this.#buckets[bucket] = ++this.size;
  }

  /** Removes all songs, and keeps the memory for others. */
  clear(): void {
    this.size = this.sum = this.#end = 0;
    this.#isAscii = true;
    this.#buckets.fill(0);
  }

  /** Returns a copy for another thread. */
  copy(): PackedBatch {
    const { size } = this;
    return {
      size,
      words: this.words.slice(0, this.#end),
      idPositions: this.idPositions.slice(0, size),
      plays: this.plays.slice(0, size),
    };
  }

  /** Returns a fingerprint of the request. Yields between slices. */
  *fingerprint(kind: "song" | "batch"): Generator<undefined, number> {
    let digest = hash64(kind);
    yield* inSlices(this, (first, end) => {
      for (let song = first; song < end; song++) {
        const id = this.#wordOf(song);
        const plays = this.plays[song] as number;
        const [high, low] = hashWords64(this.words, id, wordsOfId(this.words[id] as number), digest);
        digest = [high ^ (plays / 2 ** 32), low ^ plays];
      }
    });
    return fingerprintOf(digest);
  }

  /** Lists the songs with their new counts, in chunks. */
  *chunks(counts: Float64Array): Generator<Chunk> {
    const bytes = new Uint8Array(this.words.buffer);
    for (let first = 0; first < this.size;) {
      const [start, end] = [first, endOfSlice(this, first)];
      yield new Utf8Chunk((visit) => {
        for (let song = start; song < end; song++) {
          visit(bytes, this.#startOf(song), this.#endOf(song), counts[song] as number);
        }
      });
      first = end;
    }
  }

  *[Symbol.iterator](): Generator<Entry, undefined> {
    const bytes = new Uint8Array(this.words.buffer, 0, this.#end * 4);
    const ascii = this.#isAscii ? fromAscii.decode(bytes) : undefined;
    for (let song = 0; song < this.size; song++) {
      const [start, end] = [this.#startOf(song), this.#endOf(song)];
      yield [ascii?.slice(start, end) ?? readId(bytes, start, end), this.plays[song] as number];
    }
  }

  /** Returns the position of an id's first word. */
  #wordOf(song: number): number {
    return (this.idPositions[song] as number) + 1;
  }

  /** Returns the first byte of an id's UTF-8. */
  #startOf(song: number): number {
    return this.#wordOf(song) * 4 + LENGTH_BYTES;
  }

  /** Returns the byte after an id's UTF-8. */
  #endOf(song: number): number {
    return this.#startOf(song) + bytesOfId(this.words[this.#wordOf(song)] as number);
  }

  #addTo(song: number, plays: number): void {
    const before = this.plays[song] as number;
    if (plays > MAX_COUNT - before) {
      const id = readId(new Uint8Array(this.words.buffer), this.#startOf(song), this.#endOf(song));
      throw new Refusal("overflow", `The plays of ${quoted(id)} exceed ${MAX_COUNT}`);
    }
    this.plays[song] = before + plays;
    this.sum += plays;
  }

  /** Packs an id after the last one, and returns its words. */
  #pack(text: string, start: number, end: number): number {
    // A code unit has three bytes at most.
    const needed = this.#end + 3 + (end - start);
    if (needed > this.words.length)
      this.words = filled(new Int32Array(needed * 2 + (text.length >> 1)), this.words);
    const idWords =
      end - start > this.#maxIdBytes ? 0 : packAscii(text, start, end, this.words, this.#end + 1);
    return idWords || this.#packAny(text.slice(start, end));
  }

  #packAny(text: string): number {
    if (isTooLong(text, this.#maxIdBytes)) throw Refusal.tooLong(this.#maxIdBytes, text);
    const id = (this.#id ??= new PackedId([this.#key0, this.#key1]));
    id.pack(text, this.#maxIdBytes);
    id.copyTo(this.words, this.#end + 1);
    this.#isAscii = false;
    return id.length;
  }

  #isSame(one: number, other: number, length: number): boolean {
    const { words } = this;
    for (let at = 0; at < length; at++) if (words[one + at] !== words[other + at]) return false;
    return true;
  }

  /** Makes room for the songs of a text of `length` characters. */
  #grow(length: number): void {
    const songs = Math.max(LEAST_SONGS, 2 * this.size, length / TEXT_PER_SONG);
    const room = 2 ** Math.ceil(Math.log2(songs));
    this.idPositions = filled(new Int32Array(room), this.idPositions);
    this.plays = filled(new Float64Array(room), this.plays);
    this.#buckets = new Int32Array(room * 2);
    const mask = this.#buckets.length - 1;
    for (let song = 0; song < this.size;) {
      let bucket = (this.words[this.idPositions[song] as number] as number) & mask;
      while (this.#buckets[bucket] !== 0) bucket = (bucket + 1) & mask;
      this.#buckets[bucket] = ++song;
    }
  }
}

/** Copies `source` to the begin of `target`, and returns that. */
function filled<T extends Int32Array | Float64Array>(target: T, source: T): T {
  target.set(source);
  return target;
}

/** Packs the songs of a batch for a store, unless they are. Yields between slices. */
export function* pack(songs: SongPlays, packing: Packing): Generator<undefined, PackedPlays> {
  if (songs instanceof PackedPlays && songs.isPackedFor(packing)) return songs;
  const packed = new PackedPlays(packing);
  const slice = new WorkSlice(SLICE_WORK);
  for (const [id, plays] of songs) {
    checkPlays(plays);
    packed.add(id, 0, id.length, plays);
    if (slice.isFull(SONG_WORK + (id.length >> 2))) yield;
  }
  return packed;
}

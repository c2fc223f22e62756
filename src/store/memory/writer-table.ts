import type { HashKey } from "../../hash.ts";
import { PackedId } from "./packed-id.ts";
import { MAX_WRITER_LENGTH } from "../request-key.ts";

// Where things are in the head, in words.
const USED = 1; // how many records have been in use
const NEWEST = 2;
const OLDEST = 3;
const CLOCK = 4; // a number
const HEAD_WORDS = 16;

// Where things are in a record: numbers of a record, in units of 8 bytes, and behind them words.
const USED_AT = 0; // the clock, when it was used last
/** One more than the number of the writer's last request; 0 in a record that is nobody's. */
export const NEXT_SEQ = 1;
/** What the last request was. */
export const FINGERPRINT = 2;
/** The fold that its answer tells. */
export const FOLD = 3;
/** The total that its answer has, or the position of all of them. */
export const TOTALS = 4;
const CHAIN = 10; // the next record in the same bucket
const OLDER = 11;
const NEWER = 12;
const NAME = 13;
const RECORD_WORDS = 32;

/**
 * Who has written, in shared memory: a record for each writer, found by its name, and in the order in which they were
 * used last. A record is known by its number, from 1 on; 0 is none.
 *
 * Everything but names and numbers can be told from those, so that a thread may die at any point.
 */
export class WriterTable {
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #most: number;
  readonly #buckets: number;
  readonly #records: number;
  readonly #name: PackedId;

  /** It begins with the buffer. Its first word is left to the caller. */
  constructor(buffer: ArrayBuffer | SharedArrayBuffer, maxWriters: number, key: HashKey) {
    this.#words = new Int32Array(buffer);
    this.#numbers = new Float64Array(buffer);
    this.#most = maxWriters;
    this.#buckets = bucketsFor(maxWriters);
    this.#records = HEAD_WORDS + this.#buckets;
    this.#name = new PackedId(key);
  }

  /** Bytes that a table takes. */
  static bytesFor(maxWriters: number): number {
    return (HEAD_WORDS + bucketsFor(maxWriters) + maxWriters * RECORD_WORDS) * 4;
  }

  /** How many writers are known, or were when a thread died. */
  get length(): number {
    return this.#words[USED] as number;
  }

  /** The record of a writer, or 0. */
  find(writer: string): number {
    this.#name.set(writer, MAX_WRITER_LENGTH);
    for (let record = this.#words[this.#bucket()] as number; record !== 0; record = this.#word(record, CHAIN))
      if (this.#name.isAt(this.#words, this.#at(record) + NAME)) return record;
    return 0;
  }

  /** Gives the record of a writer: a new one if it has none, or that of the writer that was silent for longest. */
  take(writer: string): number {
    const found = this.find(writer);
    if (found !== 0) return found;
    const record = this.length < this.#most ? this.#new() : this.#forgetOldest();
    this.#name.set(writer, MAX_WRITER_LENGTH);
    this.#name.copyTo(this.#words, this.#at(record) + NAME);
    this.#link(record, this.#bucket());
    this.#append(record);
    return record;
  }

  /** Has a record be the one that was used last. */
  touch(record: number): void {
    if (this.#words[NEWEST] !== record) {
      this.#takeOut(record);
      this.#append(record);
    }
    this.#numbers[CLOCK / 2] = (this.#numbers[CLOCK / 2] as number) + 1;
    this.#numbers[this.unitOf(record, USED_AT)] = this.#numbers[CLOCK / 2] as number;
  }

  /** The unit that a number of a record is in. */
  unitOf(record: number, field: number): number {
    return this.#at(record) / 2 + field;
  }

  /** Makes everything anew but names and numbers. */
  mend(): void {
    const words = this.#words;
    words.fill(0, HEAD_WORDS, HEAD_WORDS + this.#buckets);
    words[NEWEST] = words[OLDEST] = 0;
    // What is nobody's is as if it had been used before all others.
    const usedAt = (record: number) =>
      this.#isInUse(record) ? (this.#numbers[this.unitOf(record, USED_AT)] as number) : -1;
    const records = Array.from({ length: this.length }, (_, at) => at + 1);
    for (const record of records.sort((a, b) => usedAt(a) - usedAt(b))) {
      this.#append(record);
      if (!this.#isInUse(record)) continue;
      this.#name.setAt(words, this.#at(record) + NAME);
      this.#link(record, this.#bucket());
    }
  }

  #isInUse(record: number): boolean {
    return this.#numbers[this.unitOf(record, NEXT_SEQ)] !== 0;
  }

  #new(): number {
    this.#words[USED] = this.length + 1;
    return this.length;
  }

  #forgetOldest(): number {
    const record = this.#words[OLDEST] as number;
    const wasInUse = this.#isInUse(record);
    this.#numbers[this.unitOf(record, NEXT_SEQ)] = 0;
    this.#takeOut(record);
    if (wasInUse) {
      this.#name.setAt(this.#words, this.#at(record) + NAME);
      this.#unlink(record);
    }
    return record;
  }

  #link(record: number, bucket: number): void {
    this.#setWord(record, CHAIN, this.#words[bucket] as number);
    this.#words[bucket] = record;
  }

  /** Takes a record, whose name is the present one, out of its bucket. */
  #unlink(record: number): void {
    let at = this.#bucket();
    while (this.#words[at] !== record) at = this.#at(this.#words[at] as number) + CHAIN;
    this.#words[at] = this.#word(record, CHAIN);
  }

  /** Puts a record at the end of the order. */
  #append(record: number): void {
    const newest = this.#words[NEWEST] as number;
    this.#setWord(record, OLDER, newest);
    this.#setWord(record, NEWER, 0);
    if (newest === 0) this.#words[OLDEST] = record;
    else this.#setWord(newest, NEWER, record);
    this.#words[NEWEST] = record;
  }

  #takeOut(record: number): void {
    const [older, newer] = [this.#word(record, OLDER), this.#word(record, NEWER)];
    if (older === 0) this.#words[OLDEST] = newer;
    else this.#setWord(older, NEWER, newer);
    if (newer === 0) this.#words[NEWEST] = older;
    else this.#setWord(newer, OLDER, older);
  }

  /** The word of the present name's bucket. */
  #bucket(): number {
    return HEAD_WORDS + (this.#name.hash & (this.#buckets - 1));
  }

  #at(record: number): number {
    return this.#records + (record - 1) * RECORD_WORDS;
  }

  #word(record: number, field: number): number {
    return this.#words[this.#at(record) + field] as number;
  }

  #setWord(record: number, field: number, value: number): void {
    this.#words[this.#at(record) + field] = value;
  }
}

/** A power of two, as a name's bucket is the last bits of its hash; and 16 or more, so that records begin with a unit. */
function bucketsFor(maxWriters: number): number {
  return 2 ** Math.max(4, Math.ceil(Math.log2(maxWriters)));
}

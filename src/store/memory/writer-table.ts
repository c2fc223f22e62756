import type { HashKey } from "../../hash.ts";
import { type Layout, LINE_WORDS, layOut, NUMBER } from "./layout.ts";
import { PackedId, wordsOfId } from "../packed-id.ts";
import { MAX_WRITER_LENGTH } from "../request-key.ts";

// The table begins with its buffer:
//
//   word 0      1      2         4    16
//     +------+------+---------+----+-----------+----------+----------+----------+- - -
//     | lock | used | clock   |    | buckets   | record 0 | record 1 | record 2 |
//     +------+------+---------+----+-----------+----------+----------+----------+- - -
//
//   used     records that have ever been in use, from record 1 on
//   clock    uses of all records (number)
//   buckets  first record of each bucket, one word each; a power of two of them
//
// A record is known by its number. Record 0 belongs to no writer: in the order of use, which is a circle, it
// is older than the oldest record and newer than the newest.
//
//   word 0          2         4             6         8         10      11      12      13            32
//     +-----------+---------+-------------+---------+---------+-------+-------+-------+-------------+
//     | used at   | nextSeq | fingerprint | fold    | counts  | chain | older | newer | name        |
//     +-----------+---------+-------------+---------+---------+-------+-------+-------+-------------+
//
//   used at      the clock when the record was used last (number)
//   nextSeq      the last request's `seq` + 1; 0 if the record belongs to no writer (number)
//   fingerprint, fold     of the last request and its answer (numbers)
//   counts       the count of its answer if it had one song, otherwise the position of all counts (number)
//   chain, older, newer   next record in the same bucket, neighbours in the order of use
//   name         the writer, packed as an id
//
// All but names and numbers can be computed from those: see recovery.ts.

const HEAD = layOut({ lock: 1, used: 1, clock: NUMBER, buckets: [0, LINE_WORDS] });
const { used: USED, clock: CLOCK, buckets: HEAD_WORDS } = HEAD;
/** Word of the lock that last-requests.ts takes. */
export const TABLE_LOCK: number = HEAD.lock;

/** Fields of a record: those from `nextSeq` to `counts` belong to the last request. */
export const RECORD: Layout<RecordField> = layOut<RecordField>({
  usedAt: NUMBER,
  nextSeq: NUMBER,
  fingerprint: NUMBER,
  fold: NUMBER,
  counts: NUMBER,
  chain: 1,
  older: 1,
  newer: 1,
  name: wordsOfId(MAX_WRITER_LENGTH),
});
type RecordField =
  "usedAt" | "nextSeq" | "fingerprint" | "fold" | "counts" | "chain" | "older" | "newer" | "name";

const { usedAt: USED_AT, nextSeq: NEXT_SEQ, chain: CHAIN, older: OLDER, newer: NEWER, name: NAME } = RECORD;

/** A record takes two cache lines. */
const RECORD_WORDS = Math.ceil(RECORD.end / LINE_WORDS) * LINE_WORDS;

/**
 * The writers known, in shared memory: a record each, found by name, and in the order of their last use. The
 * caller holds the table's lock.
 */
export class WriterTable {
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #most: number;
  readonly #buckets: number;
  readonly #records: number;
  readonly #name: PackedId;

  constructor(buffer: ArrayBuffer | SharedArrayBuffer, maxWriters: number, key: HashKey) {
    this.#words = new Int32Array(buffer);
    this.#numbers = new Float64Array(buffer);
    this.#most = maxWriters;
    this.#buckets = bucketsFor(maxWriters);
    this.#records = HEAD_WORDS + this.#buckets;
    this.#name = new PackedId(key);
  }

  /** Returns the words of a table. */
  static wordsFor(maxWriters: number): number {
    return HEAD_WORDS + bucketsFor(maxWriters) + (1 + maxWriters) * RECORD_WORDS;
  }

  /** Returns the record of a writer, or 0. */
  find(writer: string): number {
    this.#name.set(writer, MAX_WRITER_LENGTH);
    for (let record = this.#words[this.#bucket()] as number; record !== 0; record = this.#word(record, CHAIN))
      if (this.#name.isAt(this.#words, this.#at(record) + NAME)) return record;
    return 0;
  }

  /**
   * Returns the record of a writer. An unknown one gets a new record, or, if all are in use, evicts the least
   * recently used.
   */
  take(writer: string): number {
    const found = this.find(writer);
    if (found !== 0) return found;
    const used = this.#words[USED] as number;
    const record = used < this.#most ? (this.#words[USED] = used + 1) : this.#evictOldest();
    this.#name.set(writer, MAX_WRITER_LENGTH);
    this.#name.copyTo(this.#words, this.#at(record) + NAME);
    this.#link(record, this.#bucket());
    this.#append(record);
    return record;
  }

  /** Makes a record the most recently used. */
  touch(record: number): void {
    this.#takeOut(record);
    this.#append(record);
    this.#numbers[CLOCK / 2] = (this.#numbers[CLOCK / 2] as number) + 1;
    this.#numbers[this.unitOf(record, USED_AT)] = this.#numbers[CLOCK / 2] as number;
  }

  /** Returns the unit of a number of a record. */
  unitOf(record: number, field: number): number {
    return (this.#at(record) + field) / 2;
  }

  /** Computes all but names and numbers again, after a thread has died. */
  mend(): void {
    const words = this.#words;
    words.fill(0, HEAD_WORDS, HEAD_WORDS + this.#buckets);
    this.#join(0, 0);
    // A record of no writer is the first to be used again.
    const usedAt = (record: number) =>
      this.#isInUse(record) ? (this.#numbers[this.unitOf(record, USED_AT)] as number) : -1;
    const records = Array.from({ length: words[USED] as number }, (_, at) => at + 1);
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

  #evictOldest(): number {
    const record = this.#word(0, NEWER);
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

  /** Takes a record out of its bucket. Its name is the present one. */
  #unlink(record: number): void {
    let at = this.#bucket();
    while (this.#words[at] !== record) at = this.#at(this.#words[at] as number) + CHAIN;
    this.#words[at] = this.#word(record, CHAIN);
  }

  /** Makes a record, which is not in the order of use, the newest. */
  #append(record: number): void {
    this.#join(this.#word(0, OLDER), record);
    this.#join(record, 0);
  }

  #takeOut(record: number): void {
    this.#join(this.#word(record, OLDER), this.#word(record, NEWER));
  }

  #join(older: number, newer: number): void {
    this.#setWord(older, NEWER, newer);
    this.#setWord(newer, OLDER, older);
  }

  /** Returns the word of the present name's bucket. */
  #bucket(): number {
    return HEAD_WORDS + (this.#name.hash & (this.#buckets - 1));
  }

  #at(record: number): number {
    return this.#records + record * RECORD_WORDS;
  }

  #word(record: number, field: number): number {
    return this.#words[this.#at(record) + field] as number;
  }

  #setWord(record: number, field: number, value: number): void {
    this.#words[this.#at(record) + field] = value;
  }
}

/**
 * Returns a power of two, as the lowest bits of a hash choose the bucket; 16 or more, so that records begin
 * with a cache line.
 */
function bucketsFor(maxWriters: number): number {
  return 2 ** Math.max(4, Math.ceil(Math.log2(maxWriters)));
}

import type { HashKey } from "../../hash.ts";
import { type Layout, layOut, NUMBER } from "./layout.ts";
import { lock, holderOf, unlock } from "./lock.ts";
import { type GrowingBuffer, growTo, reserveBuffer } from "./growing-buffer.ts";
import { Refusal } from "../refusal.ts";
import type { KeyedRequest } from "../request-key.ts";
import { RECORD, TABLE_LOCK, WriterTable } from "./writer-table.ts";

const { nextSeq: NEXT_SEQ, fingerprint: FINGERPRINT, fold: FOLD, counts: COUNTS } = RECORD;

// The buffer:
//
//   byte 0
//     +-----------------------------+-----------+-----------------------------------+
//     | writers (writer-table.ts)   | written   | ring of counts, 8 bytes each      |
//     +-----------------------------+-----------+-----------------------------------+
//
// A record of the table holds the answer of a writer's last request. The counts of a batch do not fit into
// it: they are in the ring, and the record has their position. Position p is at p modulo the ring's capacity,
// and `written` is the position of the next count (number). The newest counts overwrite the oldest: a
// position below `written` minus the capacity is no longer kept.

/** Counts in the ring for each of `maxWriters`, and at least. */
const COUNTS_PER_WRITER = 32;
const LEAST_COUNTS = 2 ** 16;

/** The position of counts that are not kept. */
const NOT_KEPT = -1;

/** Numbers that {@linkcode LastRequests.remember} writes. */
export const NUMBERS_PER_REQUEST = 4;

/** The answer to a request, without ids. `counts` is `undefined` if they are no longer kept. */
export interface KeptAnswer {
  fold: number;
  counts: Float64Array | undefined;
}

/**
 * The last request of each writer and its answer, shared by all threads of a store. A clear of the counts
 * does not clear it. Bounded by `maxWriters`: see the drawing.
 */
export class LastRequests {
  readonly numbers: Float64Array;
  readonly #buffer: GrowingBuffer;
  readonly #words: Int32Array;
  readonly #owner: number;
  readonly #table: WriterTable;
  readonly #bytes: number;
  /** The unit of `written`. */
  readonly #written: number;
  readonly #ring: number;
  readonly #capacity: number;

  constructor(buffer: GrowingBuffer, maxWriters: number, key: HashKey, owner: number) {
    this.#buffer = buffer;
    this.#words = new Int32Array(buffer);
    this.numbers = new Float64Array(buffer);
    this.#owner = owner;
    this.#table = new WriterTable(buffer, maxWriters, key);
    const { written, ring, end } = layoutFor(maxWriters);
    this.#bytes = end * 4;
    this.#written = written >> 1;
    this.#ring = ring >> 1;
    this.#capacity = (end - ring) >> 1;
  }

  /** Reserves addresses for `maxWriters` writers. */
  static reserve(maxWriters: number, isShared: boolean): GrowingBuffer {
    const bytes = Math.max(2 ** 20, layoutFor(maxWriters).end * 4);
    return reserveBuffer(bytes, bytes, isShared);
  }

  /**
   * Runs `act` while no other thread reads or writes. To be called before any shard is locked: the order of
   * locks in README.md.
   */
  whileLocked<T>(act: () => T): T {
    lock(this.#words, TABLE_LOCK, this.#owner);
    try {
      growTo(this.#buffer, this.#bytes);
      return act();
    } finally {
      unlock(this.#words, TABLE_LOCK);
    }
  }

  /**
   * Returns the answer to a writer's last request, which had `length` songs, or `undefined` if the request is
   * new.
   *
   * @throws {Refusal} `stale key` if the writer's last request has a higher `seq`, `key reused` if it has the
   * same one and another fingerprint.
   */
  recall({ key, fingerprint }: KeyedRequest, length: number): KeptAnswer | undefined {
    const record = this.#table.find(key.writer);
    const next = record === 0 ? 0 : this.#number(record, NEXT_SEQ);
    if (key.seq >= next) return undefined;
    if (key.seq < next - 1) throw Refusal.staleKey(key.seq, next - 1);
    if (this.#number(record, FINGERPRINT) !== fingerprint) throw Refusal.keyReused(key.seq);
    this.#table.touch(record);
    return { fold: this.#number(record, FOLD), counts: this.#counts(this.#number(record, COUNTS), length) };
  }

  /**
   * Replaces the last request of a writer. Calls `write` with {@linkcode NUMBERS_PER_REQUEST} numbers, and
   * takes effect once all of them are written. Default: they are written at once.
   */
  remember(
    { key: { writer, seq }, fingerprint }: KeyedRequest,
    { fold, counts }: KeptAnswer,
    write: (unit: number, value: number) => void = (unit, value) => (this.numbers[unit] = value),
  ): void {
    const record = this.#table.take(writer);
    this.#table.touch(record);
    const position = counts?.length === 1 ? (counts[0] as number) : this.#keep(counts);
    write(this.#table.unitOf(record, FINGERPRINT), fingerprint);
    write(this.#table.unitOf(record, FOLD), fold);
    write(this.#table.unitOf(record, COUNTS), position);
    write(this.#table.unitOf(record, NEXT_SEQ), seq + 1);
  }

  /**
   * Mends the table and releases the lock if the thread with owner number `owner` died with it. To be called
   * after its journal was replayed.
   */
  release(owner: number): void {
    if (holderOf(this.#words, TABLE_LOCK) !== owner) return;
    this.#table.mend();
    unlock(this.#words, TABLE_LOCK);
  }

  /**
   * Appends counts to the ring, and returns their position; NOT_KEPT if they are more than the ring can hold.
   */
  #keep(counts: Float64Array | undefined): number {
    if (counts === undefined || counts.length > this.#capacity) return NOT_KEPT;
    const position = this.numbers[this.#written] as number;
    this.numbers[this.#written] = position + counts.length; // first: from here on the oldest are gone
    for (let n = 0; n < counts.length; n++) this.numbers[this.#placeOf(position + n)] = counts[n] as number;
    return position;
  }

  #counts(position: number, length: number): Float64Array | undefined {
    if (length === 1) return Float64Array.of(position);
    if (position === NOT_KEPT || position < (this.numbers[this.#written] as number) - this.#capacity)
      return undefined;
    return Float64Array.from({ length }, (_, n) => this.numbers[this.#placeOf(position + n)] as number);
  }

  #placeOf(position: number): number {
    return this.#ring + (position % this.#capacity);
  }

  #number(record: number, field: number): number {
    return this.numbers[this.#table.unitOf(record, field)] as number;
  }
}

function layoutFor(maxWriters: number): Layout<"table" | "written" | "ring"> {
  return layOut({
    table: WriterTable.wordsFor(maxWriters),
    written: NUMBER,
    ring: [2 * Math.max(LEAST_COUNTS, maxWriters * COUNTS_PER_WRITER), 2],
  });
}

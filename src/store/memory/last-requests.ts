import type { HashKey } from "../../hash.ts";
import { lock, holderOf, unlock } from "./lock.ts";
import { type GrowingBuffer, growTo, reserveBuffer } from "./growing-buffer.ts";
import { Refusal } from "../refusal.ts";
import type { RequestKey } from "../request-key.ts";
import { FINGERPRINT, FOLD, NEXT_SEQ, TOTALS, WriterTable } from "./writer-table.ts";

const LOCK = 0; // a word

/** For the totals of batches there is room for as many a writer on average, and for 65,536 at least. */
const TOTALS_OF_A_WRITER = 32;
const LEAST_TOTALS = 2 ** 16;

/** In the place of a position. */
const NOT_KEPT = -1;

/** As many numbers are written to remember a request. */
export const NUMBERS_PER_REQUEST = 4;

/** What was answered to a request, but for the ids: the totals are `undefined` if they are no longer kept. */
export interface KeptAnswer {
  fold: number;
  totals: Float64Array | undefined;
}

/** A number that is to be written, and the unit where. */
export type WriteNumber = (unit: number, value: number) => void;

/**
 * The last request of each writer and its answer, in memory that all threads of a store share. It is not a part of the
 * counts: a clear forgets those, and not what has been answered.
 *
 * Bounded by `maxWriters`: a record for each; and for the totals of batches a ring, in which the newest take the place
 * of the oldest.
 */
export class LastRequests {
  readonly numbers: Float64Array;
  readonly #buffer: GrowingBuffer;
  readonly #words: Int32Array;
  readonly #owner: number;
  readonly #table: WriterTable;
  readonly #bytes: number;
  /** The unit with the ring's end: how many totals were ever written. */
  readonly #end: number;
  readonly #ring: number;
  readonly #capacity: number;

  constructor(buffer: GrowingBuffer, maxWriters: number, key: HashKey, owner: number) {
    this.#buffer = buffer;
    this.#words = new Int32Array(buffer);
    this.numbers = new Float64Array(buffer);
    this.#owner = owner;
    this.#table = new WriterTable(buffer, maxWriters, key);
    this.#bytes = bytesFor(maxWriters);
    this.#end = WriterTable.bytesFor(maxWriters) / 8;
    this.#ring = this.#end + 1;
    this.#capacity = totalsFor(maxWriters);
  }

  /** Reserves what `maxWriters` writers take; it is used as they come. */
  static reserve(maxWriters: number, isShared: boolean): GrowingBuffer {
    const bytes = Math.max(2 ** 20, bytesFor(maxWriters));
    return reserveBuffer(bytes, bytes, isShared);
  }

  /** Does something while no other thread answers a writer. To be taken before the lock of any shard. */
  whileLocked<T>(act: () => T): T {
    lock(this.#words, LOCK, this.#owner);
    try {
      growTo(this.#buffer, this.#bytes);
      return act();
    } finally {
      unlock(this.#words, LOCK);
    }
  }

  /**
   * The answer to a request that has been answered; `undefined` if it has not. `length` is the number of its songs.
   *
   * @throws {Refusal} `stale key` if the writer has sent a later one, `key reused` if it was another request.
   */
  recall(key: RequestKey, fingerprint: number, length: number): KeptAnswer | undefined {
    const record = this.#table.find(key.writer);
    const next = record === 0 ? 0 : this.#number(record, NEXT_SEQ);
    if (key.seq >= next) return undefined;
    if (key.seq < next - 1) throw Refusal.staleKey(key.seq, next - 1);
    if (this.#number(record, FINGERPRINT) !== fingerprint) throw Refusal.keyReused(key.seq);
    this.#table.touch(record);
    return { fold: this.#number(record, FOLD), totals: this.#totals(this.#number(record, TOTALS), length) };
  }

  /**
   * Has a request's answer be remembered, the writer's last one then not any more, as soon as all that `write` is
   * called with has been written.
   */
  remember(
    { writer, seq }: RequestKey,
    fingerprint: number,
    { fold, totals }: { fold: number; totals: Float64Array | undefined },
    write: WriteNumber,
  ): void {
    const record = this.#table.take(writer);
    this.#table.touch(record);
    const position = totals?.length === 1 ? (totals[0] as number) : this.#keep(totals);
    write(this.#table.unitOf(record, FINGERPRINT), fingerprint);
    write(this.#table.unitOf(record, FOLD), fold);
    write(this.#table.unitOf(record, TOTALS), position);
    write(this.#table.unitOf(record, NEXT_SEQ), seq + 1);
  }

  /** Releases what another thread held when it died. What it was about to write has to be there. */
  release(owner: number): void {
    if (holderOf(this.#words, LOCK) !== owner) return;
    this.#table.mend();
    unlock(this.#words, LOCK);
  }

  /** Puts totals into the ring and gives their position; NOT_KEPT if there is no room for so many. */
  #keep(totals: Float64Array | undefined): number {
    if (totals === undefined || totals.length > this.#capacity) return NOT_KEPT;
    const position = this.numbers[this.#end] as number;
    this.numbers[this.#end] = position + totals.length; // first: from here on the oldest are gone
    for (let n = 0; n < totals.length; n++) this.numbers[this.#placeOf(position + n)] = totals[n] as number;
    return position;
  }

  #totals(position: number, length: number): Float64Array | undefined {
    if (length === 1) return Float64Array.of(position);
    if (position === NOT_KEPT || position < (this.numbers[this.#end] as number) - this.#capacity)
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

function totalsFor(maxWriters: number): number {
  return Math.max(LEAST_TOTALS, maxWriters * TOTALS_OF_A_WRITER);
}

function bytesFor(maxWriters: number): number {
  return WriterTable.bytesFor(maxWriters) + (1 + totalsFor(maxWriters)) * 8;
}

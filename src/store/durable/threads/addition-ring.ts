import type { Addition } from "../../count-store.ts";
import { LENGTH_BYTES, PackedId } from "../../memory/packed-id.ts";

/*
 * Layout, in bytes. A ring has SLOTS slots; the n-th addition since its start is in slot n modulo SLOTS.
 *
 *      0 ┌──────────────────────────┐         slot + 0 ┌──────────────────────────────┐
 *        │ pushed   int32           │                  │ plays, then count   float64  │
 *      4 ├──────────────────────────┤                8 ├──────────────────────────────┤
 *        │ done     int32           │                  │ newest sealed fold  float64  │
 *      8 ├──────────────────────────┤               16 ├──────────────────────────────┤
 *        │ unused: a cache line     │                  │ outcome             int32    │
 *     64 ├──────────────────────────┤               20 ├──────────────────────────────┤
 *        │ slot 0, slot 1, …        │                  │ packed id: length   uint16,  │
 *        │ 128 bytes each           │                  │ UTF-8, zeros to a whole word │
 *        └──────────────────────────┘              128 └──────────────────────────────┘
 *
 * `pushed` and `done` count additions modulo 2^32. The serving thread writes plays and id, then `pushed`; the
 * commit thread writes count, fold and outcome, then `done`. Slots from `done` to before `pushed` belong to
 * the commit thread, all others to the serving thread, so neither needs a lock.
 */

const PUSHED = 0;
const DONE = 1;
const HEAD_BYTES = 64;

/** A power of two. */
const SLOTS = 1024;
const SLOT_BYTES = 128;

// Float64 units of a slot.
const PLAYS = 0;
const FOLD = 1;

// Int32 words of a slot.
const OUTCOME = 4;
const ID = 5;
const ID_WORDS = SLOT_BYTES / 4 - ID;

const MAX_ID_BYTES = ID_WORDS * 4 - LENGTH_BYTES;

/** The outcome of an addition. */
export const OUTCOMES = {
  durable: 0,
  /** Nothing was added; a retry by message returns the reason. */
  refused: 1,
  unknown: 2,
} as const;
export type Outcome = keyof typeof OUTCOMES;
const NAMES = Object.keys(OUTCOMES) as Outcome[];

/**
 * Carries additions to one song each from a serving thread to the commit thread, and their results back, in
 * order.
 */
export class AdditionRing {
  readonly buffer: SharedArrayBuffer;
  readonly #head: Int32Array;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #id = new PackedId([0, 0]);
  /** Additions that this side has read: results in the serving thread, requests in the commit thread. */
  #seen = 0;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(HEAD_BYTES + SLOTS * SLOT_BYTES)) {
    this.buffer = buffer;
    this.#head = new Int32Array(buffer, 0, 2);
    this.#words = new Int32Array(buffer, HEAD_BYTES);
    this.#numbers = new Float64Array(buffer, HEAD_BYTES);
  }

  /** Sends an addition. Returns false if the ring is full or the id is longer than a slot. */
  push(id: string, plays: number): boolean {
    const pushed = Atomics.load(this.#head, PUSHED);
    if (((pushed - this.#seen) | 0) >= SLOTS || id.length > MAX_ID_BYTES) return false;
    this.#id.pack(id, MAX_ID_BYTES * 3);
    if (this.#id.length > ID_WORDS) return false;
    const slot = pushed & (SLOTS - 1);
    this.#numbers[slot * (SLOT_BYTES / 8) + PLAYS] = plays;
    this.#id.copyTo(this.#words, slot * (SLOT_BYTES / 4) + ID);
    Atomics.store(this.#head, PUSHED, (pushed + 1) | 0);
    return true;
  }

  /** True if {@linkcode readResult} has a result to read. */
  get hasResult(): boolean {
    return Atomics.load(this.#head, DONE) !== this.#seen;
  }

  /** Reads the result of the oldest addition that has an unread one. */
  readResult(): { outcome: Outcome; addition: Addition } {
    const slot = this.#seen & (SLOTS - 1);
    this.#seen = (this.#seen + 1) | 0;
    const at = slot * (SLOT_BYTES / 8);
    return {
      outcome: NAMES[this.#words[slot * (SLOT_BYTES / 4) + OUTCOME] as number] as Outcome,
      addition: { count: this.#numbers[at + PLAYS] as number, fold: this.#numbers[at + FOLD] as number },
    };
  }

  /** Resolves when {@linkcode hasResult} may be true. */
  async whenResult(): Promise<void> {
    await Atomics.waitAsync(this.#head, DONE, this.#seen).value;
  }

  /**
   * Takes all pushed additions, and returns their number. `add` returns the song's new count, or `undefined`
   * to refuse; `fold` is the newest sealed fold. The serving thread sees no result before {@linkcode finish}.
   */
  take(add: (id: string, plays: number) => number | undefined, fold: number): number {
    const pushed = Atomics.load(this.#head, PUSHED);
    const first = this.#seen;
    for (; this.#seen !== pushed; this.#seen = (this.#seen + 1) | 0) {
      const slot = this.#seen & (SLOTS - 1);
      const at = slot * (SLOT_BYTES / 8);
      const count = add(this.#idAt(slot), this.#numbers[at + PLAYS] as number);
      this.#numbers[at + PLAYS] = count ?? 0;
      this.#numbers[at + FOLD] = fold;
      this.#words[slot * (SLOT_BYTES / 4) + OUTCOME] = OUTCOMES[count === undefined ? "refused" : "durable"];
    }
    return (pushed - first) | 0;
  }

  /**
   * Returns all taken additions to the serving thread. `outcome` is that of the commit, for those not
   * refused.
   */
  finish(outcome: Outcome): void {
    let done = Atomics.load(this.#head, DONE);
    if (done === this.#seen) return;
    for (; outcome !== "durable" && done !== this.#seen; done = (done + 1) | 0) {
      const at = (done & (SLOTS - 1)) * (SLOT_BYTES / 4) + OUTCOME;
      if (this.#words[at] === OUTCOMES.durable) this.#words[at] = OUTCOMES[outcome];
    }
    Atomics.store(this.#head, DONE, this.#seen);
    Atomics.notify(this.#head, DONE);
  }

  #idAt(slot: number): string {
    this.#id.load(this.#words, slot * (SLOT_BYTES / 4) + ID, 0);
    return this.#id.text;
  }
}

import type { Addition } from "../../count-store.ts";
import { LENGTH_BYTES, PackedId } from "../../memory/packed-id.ts";

/** How many additions may be in a ring; a power of two. */
const SLOTS = 1024;

/** A slot has its plays (then the new count), the fold, what became of it, and the packed id. */
const SLOT_BYTES = 128;
const PLAYS = 0;
const FOLD = 1;
const OUTCOME = 4;
const ID = 5;
const ID_WORDS = SLOT_BYTES / 4 - ID;
const MAX_ID_BYTES = ID_WORDS * 4 - LENGTH_BYTES;

/** In front of the slots: how many additions were asked for, and how many of them are done, modulo 2^32. */
const ASKED = 0;
const DONE = 1;
const HEAD_BYTES = 64;

/** What became of an addition that was asked for. */
export const OUTCOMES = {
  durable: 0,
  /** Nothing was added; a message will be told why. */
  refused: 1,
  /** Nobody knows. */
  unknown: 2,
} as const;
export type Outcome = keyof typeof OUTCOMES;
const NAMES = Object.keys(OUTCOMES) as Outcome[];

/**
 * Additions to one song each on their way from a thread that serves to the one that writes, and back: a ring in shared
 * memory, whose slots are filled, worked on and read in order. It is short, and so are its ids; whatever does not fit
 * in goes as a message.
 */
export class AdditionRing {
  readonly buffer: SharedArrayBuffer;
  readonly #head: Int32Array;
  readonly #words: Int32Array;
  readonly #numbers: Float64Array;
  readonly #id = new PackedId([0, 0]);
  /** Of the thread that serves: what it has read. Of the one that writes: what it has taken. */
  #seen = 0;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(HEAD_BYTES + SLOTS * SLOT_BYTES)) {
    this.buffer = buffer;
    this.#head = new Int32Array(buffer, 0, 2);
    this.#words = new Int32Array(buffer, HEAD_BYTES);
    this.#numbers = new Float64Array(buffer, HEAD_BYTES);
  }

  /** Asks for an addition. False if there is no place for it. */
  ask(id: string, plays: number): boolean {
    const asked = Atomics.load(this.#head, ASKED);
    if (((asked - this.#seen) | 0) >= SLOTS || id.length > MAX_ID_BYTES) return false;
    this.#id.pack(id, MAX_ID_BYTES * 3);
    if (this.#id.length > ID_WORDS) return false;
    const slot = asked & (SLOTS - 1);
    this.#numbers[slot * (SLOT_BYTES / 8) + PLAYS] = plays;
    this.#id.copyTo(this.#words, slot * (SLOT_BYTES / 4) + ID);
    Atomics.store(this.#head, ASKED, (asked + 1) | 0);
    return true;
  }

  /** Whether {@linkcode readDone} has something to read. */
  get hasDone(): boolean {
    return Atomics.load(this.#head, DONE) !== this.#seen;
  }

  /** Reads what became of the oldest addition that was not read. */
  readDone(): { outcome: Outcome; addition: Addition } {
    const slot = this.#seen & (SLOTS - 1);
    this.#seen = (this.#seen + 1) | 0;
    const at = slot * (SLOT_BYTES / 8);
    return {
      outcome: NAMES[this.#words[slot * (SLOT_BYTES / 4) + OUTCOME] as number] as Outcome,
      addition: { count: this.#numbers[at + PLAYS] as number, fold: this.#numbers[at + FOLD] as number },
    };
  }

  /** Resolves when {@linkcode hasDone} is true, or may be. */
  async whenDone(): Promise<void> {
    await Atomics.waitAsync(this.#head, DONE, this.#seen).value;
  }

  /**
   * Takes all additions that were asked for. `add` gives a song's new count, or `undefined` if it is refused; the fold
   * that all of them fall into is `fold`. Gives how many there were.
   */
  take(add: (id: string, plays: number) => number | undefined, fold: number): number {
    const asked = Atomics.load(this.#head, ASKED);
    const first = this.#seen;
    for (; this.#seen !== asked; this.#seen = (this.#seen + 1) | 0) {
      const slot = this.#seen & (SLOTS - 1);
      const at = slot * (SLOT_BYTES / 8);
      const count = add(this.#idAt(slot), this.#numbers[at + PLAYS] as number);
      this.#numbers[at + PLAYS] = count ?? 0;
      this.#numbers[at + FOLD] = fold;
      this.#words[slot * (SLOT_BYTES / 4) + OUTCOME] = OUTCOMES[count === undefined ? "refused" : "durable"];
    }
    return (asked - first) | 0;
  }

  /** Gives back all that was taken. What was not refused became of it what `outcome` says. */
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

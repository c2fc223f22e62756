import type { Addition } from "../../count-store.ts";
import type { KeyedRequest } from "../../request-key.ts";
import type { StagedAddition } from "../../memory/commit-store.ts";
import { layOut, LINE_WORDS, NUMBER } from "../../memory/layout.ts";
import { LENGTH_BYTES, PackedId, wordsOfId } from "../../packed-id.ts";
import { Refusal } from "../../refusal.ts";
import { MAX_WRITER_LENGTH } from "../../request-key.ts";
import type { RefusedWrite, WriteFailure } from "./messages.ts";
import { errorOfFailure, errorOfRefusal } from "./reply-errors.ts";

// The n-th addition since the start of the ring is in slot n modulo SLOTS:
//
//   word 0        1        16
//     +-----------+--------+----------------------+----------------------+-----
//     | pushed    | done   | slot 0, 64 words     | slot 1, 64 words     | …
//     +-----------+--------+----------------------+----------------------+-----
//
// A slot:
//
//   word 0            2               4        6             8            25             63        64
//     +---------------+---------------+--------+-------------+------------+--------------+---------+
//     | plays, then   | newest sealed | seq    | fingerprint | writer     | id           | outcome |
//     | count (number)| fold (number) | (num.) | (number)    | (packed)   | (packed)     |         |
//     +---------------+---------------+--------+-------------+------------+--------------+---------+
//
// packed-id.ts shows how writer and id are packed. Without a key the writer is empty. A refusal takes the
// place of all before the outcome: reason and members as JSON, a line feed, and the message, packed in the
// same way. A message that is longer than that place is cut off.
//
// `pushed` and `done` count additions modulo 2^32. The serving thread writes plays, key and id, then
// `pushed`; the commit thread writes the result, then `done`. Slots from `done` to before `pushed` belong to
// the commit thread, all others to the serving thread, so neither needs a lock.

/** A power of two. */
const SLOTS = 1024;
const SLOT_WORDS = 64;
const WRITER_WORDS = wordsOfId(MAX_WRITER_LENGTH);

const RING = layOut({ pushed: 1, done: 1, slots: [SLOTS * SLOT_WORDS, LINE_WORDS] });
const SLOT = layOut({
  count: NUMBER,
  fold: NUMBER,
  seq: NUMBER,
  fingerprint: NUMBER,
  writer: WRITER_WORDS,
  id: SLOT_WORDS - 9 - WRITER_WORDS,
  outcome: 1,
});
if (SLOT.end !== SLOT_WORDS) throw new Error("The slots of the ring overlap");

const { pushed: PUSHED, done: DONE } = RING;
const { outcome: OUTCOME, writer: WRITER, id: ID } = SLOT;
const [COUNT, FOLD, SEQ, FINGERPRINT] = [SLOT.count / 2, SLOT.fold / 2, SLOT.seq / 2, SLOT.fingerprint / 2];

const ID_WORDS = OUTCOME - ID;
const MAX_ID_BYTES = ID_WORDS * 4 - LENGTH_BYTES;
const MAX_REFUSAL_BYTES = OUTCOME * 4 - LENGTH_BYTES;

const utf8 = new TextEncoder();

/** The outcome of an addition, by number. Only a staged one depends on the commit. */
const OUTCOMES = ["staged", "recalled", "refused", "full", "failed", "unknown"] as const;
const [STAGED, RECALLED, REFUSED] = [0, 1, 2];

/** Stages the song whose packed id begins at `at`. Returns `undefined` to take it later; throws to refuse. */
type Stage = (
  words: Int32Array,
  at: number,
  plays: number,
  keyed: KeyedRequest | undefined,
) => StagedAddition | undefined;

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

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(RING.end * 4)) {
    this.buffer = buffer;
    this.#head = new Int32Array(buffer, 0, RING.slots);
    this.#words = new Int32Array(buffer, RING.slots * 4);
    this.#numbers = new Float64Array(buffer, RING.slots * 4);
  }

  /** Sends an addition. Returns false if the ring is full or the id is longer than its place. */
  push(id: string, plays: number, keyed?: KeyedRequest): boolean {
    const pushed = Atomics.load(this.#head, PUSHED);
    if (((pushed - this.#seen) | 0) >= SLOTS || id.length > MAX_ID_BYTES) return false;
    this.#id.pack(id, MAX_ID_BYTES * 3);
    if (this.#id.length > ID_WORDS) return false;
    const slot = slotOf(pushed);
    this.#id.copyTo(this.#words, slot + ID);
    this.#numbers[slot / 2 + COUNT] = plays;
    this.#words[slot + WRITER] = 0;
    if (keyed !== undefined) this.#writeKey(slot, keyed);
    Atomics.store(this.#head, PUSHED, (pushed + 1) | 0);
    return true;
  }

  /** True if {@linkcode readResult} has a result to read. */
  get hasResult(): boolean {
    return Atomics.load(this.#head, DONE) !== this.#seen;
  }

  /** Reads the result of the oldest addition that has an unread one: an error if it was not added. */
  readResult(): Addition | Error {
    const slot = slotOf(this.#seen);
    this.#seen = (this.#seen + 1) | 0;
    const outcome = this.#words[slot + OUTCOME] as number;
    if (outcome === REFUSED) return errorOfRefusal(decodeRefusal(this.#textAt(slot)));
    if (outcome > REFUSED) return errorOfFailure(OUTCOMES[outcome] as WriteFailure);
    return {
      count: this.#numbers[slot / 2 + COUNT] as number,
      fold: this.#numbers[slot / 2 + FOLD] as number,
    };
  }

  /** Resolves when {@linkcode hasResult} may be true. */
  async whenResult(): Promise<void> {
    await Atomics.waitAsync(this.#head, DONE, this.#seen).value;
  }

  /**
   * Takes the pushed additions, up to one that `stage` leaves for later, and returns their number. The
   * serving thread sees no result before {@linkcode finish}.
   */
  take(stage: Stage): number {
    const pushed = Atomics.load(this.#head, PUSHED);
    const first = this.#seen;
    while (this.#seen !== pushed && this.#takeSlot(slotOf(this.#seen), stage))
      this.#seen = (this.#seen + 1) | 0;
    return (this.#seen - first) | 0;
  }

  /**
   * Returns all taken additions to the serving thread. `failure` is that of their commit, if it has failed.
   */
  finish(failure?: WriteFailure): void {
    let done = Atomics.load(this.#head, DONE);
    if (done === this.#seen) return;
    for (; failure !== undefined && done !== this.#seen; done = (done + 1) | 0) {
      const at = slotOf(done) + OUTCOME;
      if (this.#words[at] === STAGED) this.#words[at] = OUTCOMES.indexOf(failure);
    }
    Atomics.store(this.#head, DONE, this.#seen);
    Atomics.notify(this.#head, DONE);
  }

  #takeSlot(slot: number, stage: Stage): boolean {
    try {
      const plays = this.#numbers[slot / 2 + COUNT] as number;
      const staged = stage(this.#words, slot + ID, plays, this.#readKey(slot));
      if (staged === undefined) return false;
      this.#numbers[slot / 2 + COUNT] = staged.addition.counts[0] as number;
      this.#numbers[slot / 2 + FOLD] = staged.addition.fold;
      this.#words[slot + OUTCOME] = staged.isStaged ? STAGED : RECALLED;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#writeText(slot, encodeRefusal(error), MAX_REFUSAL_BYTES);
      this.#words[slot + OUTCOME] = REFUSED;
    }
    return true;
  }

  #writeKey(slot: number, { key, fingerprint }: KeyedRequest): void {
    this.#writeText(slot + WRITER, key.writer, MAX_WRITER_LENGTH);
    this.#numbers[slot / 2 + SEQ] = key.seq;
    this.#numbers[slot / 2 + FINGERPRINT] = fingerprint;
  }

  #readKey(slot: number): KeyedRequest | undefined {
    if (this.#words[slot + WRITER] === 0) return undefined;
    const key = { writer: this.#textAt(slot + WRITER), seq: this.#numbers[slot / 2 + SEQ] as number };
    return { key, fingerprint: this.#numbers[slot / 2 + FINGERPRINT] as number };
  }

  #writeText(at: number, text: string, maxBytes: number): void {
    this.#id.pack(text, maxBytes);
    this.#id.copyTo(this.#words, at);
  }

  #textAt(at: number): string {
    this.#id.load(this.#words, at, 0);
    return this.#id.text;
  }
}

/** Returns the first word of an addition's slot. */
function slotOf(addition: number): number {
  return (addition & (SLOTS - 1)) * SLOT_WORDS;
}

/** Encodes a refusal in at most {@linkcode MAX_REFUSAL_BYTES} bytes of UTF-8. */
function encodeRefusal({ reason, message, members }: RefusedWrite): string {
  const text = `${JSON.stringify([reason, members])}\n${message}`;
  return text.slice(0, utf8.encodeInto(text, new Uint8Array(MAX_REFUSAL_BYTES)).read);
}

/** Decodes {@linkcode encodeRefusal}'s encoding. */
function decodeRefusal(text: string): RefusedWrite {
  const end = text.indexOf("\n");
  const [reason, members] = JSON.parse(text.slice(0, end)) as [RefusedWrite["reason"], Refusal["members"]];
  return { reason, members, message: text.slice(end + 1) };
}

import type { ListSyntax, Utf8Syntax } from "../../mapping/write.ts";
import { MAX_DIGITS } from "../../mapping/whole-number.ts";
import type { Chunk } from "../../store/count-store.ts";

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder();
const NOTHING = new Uint8Array(0);

/** Counts below this fit in 32 bits, and their digits are computed without a string. */
const SMALL = 2 ** 30;

/** Least length of a buffer. */
const LEAST_BYTES = 512;

/**
 * The largest buffer that a writer has given back, for the next one. If each piece of a list grew a buffer of
 * its own, a list would make three times its length of garbage.
 */
let spare = NOTHING;

/** Most bytes of a buffer that is kept. */
const MAX_SPARE_BYTES = 512 * 1024;

/**
 * Writes chunks of entries as UTF-8 into a buffer, which the caller empties piece by piece.
 *
 * A chunk that has its ids as bytes is written without making strings, with the same result. With millions of
 * songs, strings would take 90% of the time and make all of the garbage.
 */
export class EntryWriter {
  readonly #syntax: ListSyntax;
  #bytes = NOTHING;
  #length = 0;
  #isFirst = true;

  constructor(syntax: ListSyntax) {
    this.#syntax = syntax;
    this.#writeText(syntax.open);
  }

  /** Bytes in the buffer. */
  get length(): number {
    return this.#length;
  }

  /** Writes a chunk into the buffer. */
  add(chunk: Chunk): void {
    const { utf8: syntax, entry: write } = this.#syntax;
    if (syntax === undefined || chunk.eachUtf8 === undefined)
      for (const entry of chunk) this.#addText(write(entry));
    else chunk.eachUtf8((id, start, end, count) => this.#addUtf8(syntax, id, start, end, count));
  }

  /** Empties the buffer, and returns its content. Keeps no memory, since the client may not read on. */
  take(): Uint8Array<ArrayBuffer> {
    const piece = this.#bytes.slice(0, this.#length);
    this.#giveBack();
    return piece;
  }

  /** Ends the list, and returns the last piece. */
  finish(): Uint8Array<ArrayBuffer> {
    this.#writeText(this.#syntax.close);
    return this.take();
  }

  /** Ends the list, and returns the last piece as a string. */
  finishText(): string {
    this.#writeText(this.#syntax.close);
    const text = fromUtf8.decode(this.#bytes.subarray(0, this.#length));
    this.#giveBack();
    return text;
  }

  #addText(entry: string): void {
    if (!this.#isFirst) this.#writeText(",");
    this.#isFirst = false;
    this.#writeText(entry);
  }

  #addUtf8(syntax: Utf8Syntax, id: Uint8Array, start: number, end: number, count: number): void {
    const { before, between, isPlain, escape, longestEscape } = syntax;
    this.#reserve((end - start) * longestEscape + before.length + between.length + MAX_DIGITS + 1);
    const bytes = this.#bytes;
    let length = this.#length;
    if (!this.#isFirst) bytes[length++] = 0x2c;
    this.#isFirst = false;
    length = writeAscii(bytes, length, before);
    for (let at = start; at < end; at++) {
      const byte = id[at] as number;
      if (isPlain[byte] === 1) bytes[length++] = byte;
      else length = writeAscii(bytes, length, escape(byte));
    }
    this.#length = writeCount(bytes, writeAscii(bytes, length, between), count);
  }

  #writeText(text: string): void {
    if (text === "") return;
    this.#reserve(text.length * 3);
    this.#length += utf8.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  #reserve(room: number): void {
    const bytes = this.#length + room;
    if (bytes <= this.#bytes.length) return;
    let larger = spare;
    if (larger.length >= bytes) spare = NOTHING;
    else larger = new Uint8Array(Math.max(LEAST_BYTES, this.#bytes.length * 4, bytes));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }

  #giveBack(): void {
    const { length } = this.#bytes;
    if (length > spare.length && length <= MAX_SPARE_BYTES) spare = this.#bytes;
    this.#bytes = NOTHING;
    this.#length = 0;
  }
}

/** Writes ASCII from position `at` on, where there is room for it. Returns its end. */
function writeAscii(bytes: Uint8Array, at: number, text: string): number {
  for (let index = 0; index < text.length; index++) bytes[at + index] = text.charCodeAt(index);
  return at + text.length;
}

/** Writes a count as {@linkcode writeAscii} does. */
function writeCount(bytes: Uint8Array, at: number, count: number): number {
  if (count >= SMALL) return writeAscii(bytes, at, String(count));
  let end = at + 1;
  for (let bound = 10; count >= bound; bound *= 10) end++;
  let rest = count | 0;
  for (let digit = end - 1; digit >= at; digit--) {
    const shorter = (rest / 10) | 0;
    bytes[digit] = 0x30 + rest - shorter * 10;
    rest = shorter;
  }
  return end;
}

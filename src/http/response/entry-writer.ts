import type { ListSyntax, Utf8Syntax } from "../../mapping/write.ts";
import { MAX_DIGITS } from "../../mapping/whole-number.ts";
import type { Chunk } from "../../store/count-store.ts";

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder();

/** Counts below this fit in 32 bits, and their digits are computed without a string. */
const SMALL = 2 ** 30;

/**
 * Writes chunks of entries as UTF-8 into a buffer, which the caller empties piece by piece.
 *
 * A chunk that has its ids as bytes is written without making strings, with the same result. With millions of
 * songs, strings would take 90% of the time and make all of the garbage.
 */
export class EntryWriter {
  readonly #syntax: ListSyntax;
  #bytes = new Uint8Array(4096);
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

  /** Empties the buffer, and returns its content. */
  take(): Uint8Array<ArrayBuffer> {
    const piece = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return piece;
  }

  /** Ends the list, and returns the last piece. */
  finish(): Uint8Array<ArrayBuffer> {
    this.#writeText(this.#syntax.close);
    return this.take();
  }

  /** Ends the list, and returns the last piece as a string. */
  finishText(): string {
    return fromUtf8.decode(this.finish());
  }

  #addText(entry: string): void {
    if (!this.#isFirst) this.#writeText(",");
    this.#isFirst = false;
    this.#writeText(entry);
  }

  #addUtf8(syntax: Utf8Syntax, id: Uint8Array, start: number, end: number, count: number): void {
    const { before, between, isPlain, escape, longestEscape } = syntax;
    this.#reserve((end - start) * longestEscape + before.length + between.length + MAX_DIGITS + 1);
    if (!this.#isFirst) this.#bytes[this.#length++] = 0x2c;
    this.#isFirst = false;
    this.#writeAscii(before);
    const bytes = this.#bytes;
    let length = this.#length;
    for (let at = start; at < end; at++) {
      const byte = id[at] as number;
      if (isPlain[byte] === 1) {
        bytes[length++] = byte;
      } else {
        this.#length = length;
        this.#writeAscii(escape(byte));
        length = this.#length;
      }
    }
    this.#length = length;
    this.#writeAscii(between);
    this.#writeCount(count);
  }

  #writeCount(count: number): void {
    if (count >= SMALL) return this.#writeAscii(String(count));
    let digits = 1;
    for (let bound = 10; count >= bound; bound *= 10) digits++;
    let rest = count | 0;
    for (let at = this.#length + digits - 1; at >= this.#length; at--) {
      const shorter = (rest / 10) | 0;
      this.#bytes[at] = 0x30 + rest - shorter * 10;
      rest = shorter;
    }
    this.#length += digits;
  }

  /** Expects room in the buffer. */
  #writeAscii(text: string): void {
    for (let at = 0; at < text.length; at++) this.#bytes[this.#length++] = text.charCodeAt(at);
  }

  #writeText(text: string): void {
    this.#reserve(text.length * 3);
    this.#length += utf8.encodeInto(text, this.#bytes.subarray(this.#length)).written;
  }

  #reserve(room: number): void {
    if (this.#length + room <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + room));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
  }
}

import { type HashKey, hashWords } from "../hash.ts";
import { SETTINGS } from "../settings/settings.ts";
import { Refusal } from "./refusal.ts";

// A packed id, in little-endian words (as on every machine that the runtimes run on):
//
//   byte 0        2                             2 + length    up to a whole word
//      +----------+-----------------------------+------------+
//      | length   | UTF-8                       | zeros      |
//      +----------+-----------------------------+------------+

/** Most bytes of UTF-8 in an id: `maxIdBytes` is at most this. */
const MAX_BYTES = SETTINGS.maxIdBytes.max;

/** Bytes of the length that an id begins with. */
export const LENGTH_BYTES = 2;

/** Words of the longest id. */
export const MAX_ID_WORDS: number = Math.ceil((LENGTH_BYTES + MAX_BYTES) / 4);

/** Longer ids are encoded faster by the engine, although each call of it takes longer. */
const LONGEST_IN_JS = 64;

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * An id as the store keeps and compares it. One object serves one id after another: finding a song allocates
 * nothing.
 */
export class PackedId {
  /** The id's words, followed by arbitrary data. */
  readonly words: Int32Array = new Int32Array(MAX_ID_WORDS);
  /** Words of the id: 1 or more. */
  length = 0;
  /** The id's hash, a signed 32-bit number. */
  hash = 0;
  readonly #bytes = new Uint8Array(this.words.buffer);
  readonly #key0: number;
  readonly #key1: number;

  constructor([key0, key1]: HashKey) {
    this.#key0 = key0 | 0;
    this.#key1 = key1 | 0;
  }

  /** The id as a string. */
  get text(): string {
    return readId(this.#bytes, LENGTH_BYTES, LENGTH_BYTES + bytesOfId(this.words[0] as number));
  }

  /**
   * Packs `id`.
   *
   * @throws {Refusal} `too long` if it has more than `maxBytes` bytes of UTF-8.
   */
  set(id: string, maxBytes: number): void {
    this.pack(id, maxBytes);
    this.hash = hashWords(this.words, 0, this.length, this.#key0, this.#key1);
  }

  /** Packs `id` as {@linkcode set} does, but does not compute its hash. */
  pack(id: string, maxBytes: number): void {
    if (id.length > maxBytes) throw Refusal.tooLong(maxBytes);
    this.length = packAscii(id, 0, id.length, this.words, 0);
    if (this.length === 0) this.#setUtf8(id, maxBytes);
  }

  /** Copies the id whose words begin at `at`. */
  setAt(words: Int32Array, at: number): void {
    this.load(words, at, this.hashAt(words, at));
  }

  /** Copies the id whose words begin at `at` and whose hash is known. */
  load(words: Int32Array, at: number, hash: number): void {
    this.length = wordsOfId(words[at] as number);
    for (let word = 0; word < this.length; word++) this.words[word] = words[at + word] as number;
    this.hash = hash;
  }

  /** Returns true if the words from `at` on are those of this id. */
  isAt(words: Int32Array, at: number): boolean {
    for (let word = 0; word < this.length; word++) {
      if (words[at + word] !== this.words[word]) return false;
    }
    return true;
  }

  /** Writes the id's words from `at` on. */
  copyTo(words: Int32Array, at: number): void {
    for (let word = 0; word < this.length; word++) words[at + word] = this.words[word] as number;
  }

  /** Returns the hash of the id whose words begin at `at`. */
  hashAt(words: Int32Array, at: number): number {
    return hashWords(words, at, wordsOfId(words[at] as number), this.#key0, this.#key1);
  }

  #setUtf8(id: string, maxBytes: number): void {
    const { read, written } = utf8.encodeInto(
      id,
      this.#bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + maxBytes),
    );
    if (read < id.length) throw Refusal.tooLong(maxBytes);
    this.#bytes[0] = written;
    this.#bytes[1] = written >> 8;
    this.length = wordsOfId(written);
    this.#bytes.fill(0, LENGTH_BYTES + written, this.length * 4);
  }
}

/**
 * Packs the id from `start` to before `end` of `text` into `words`, from word `at` on, if it is short and of
 * ASCII, as nearly all are. Returns the words of the id; 0 for any other.
 */
export function packAscii(text: string, start: number, end: number, words: Int32Array, at: number): number {
  const length = end - start;
  if (length > LONGEST_IN_JS) return 0;
  const first = at;
  let [all, word, shift] = [0, length, 16];
  for (let next = start; next < end;) {
    const code = text.charCodeAt(next++);
    all |= code;
    word |= code << shift;
    if ((shift += 8) < 32) continue;
    words[at++] = word;
    for (; next + 4 <= end; next += 4) {
      const a = text.charCodeAt(next);
      const b = text.charCodeAt(next + 1);
      const c = text.charCodeAt(next + 2);
      const d = text.charCodeAt(next + 3);
      all |= a | b | c | d;
      words[at++] = a | (b << 8) | (c << 16) | (d << 24);
    }
    word = shift = 0;
  }
  if (shift > 0) words[at++] = word;
  return all < 0x80 ? at - first : 0;
}

/** Returns the bytes of UTF-8 of an id, given its first word. */
export function bytesOfId(first: number): number {
  return first & 0xffff;
}

/** Returns the words of an id, given its first word or its bytes of UTF-8. */
export function wordsOfId(first: number): number {
  return (bytesOfId(first) + LENGTH_BYTES + 3) >> 2;
}

/** Returns the units of an entry: a count, and an id of `idWords` words. */
export function unitsOfEntry(idWords: number): number {
  return 1 + ((idWords + 1) >> 1);
}

/** Returns the id whose UTF-8 is `bytes` from `start` to before `end`. */
export function readId(bytes: Uint8Array, start: number, end: number): string {
  return fromUtf8.decode(bytes.subarray(start, end));
}

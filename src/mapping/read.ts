import { SETTINGS } from "../settings/settings.ts";
import { quoted } from "../error-message.ts";
import { MAX_COUNT } from "../store/count-store.ts";
import { MAX_DIGITS, parseJsonNumber, parseWholeNumber } from "./whole-number.ts";

/** Longest pair: an id of the largest `maxIdBytes`, each byte encoded, an equals sign, and a count. */
const LONGEST_PAIR = 3 * SETTINGS.maxIdBytes.max + 1 + MAX_DIGITS;

/** Takes a pair of a mapping. The id stands in `text` from `start` to before `end`: decoded, and valid. */
export type TakePair = (text: string, start: number, end: number, count: number) => void;

/**
 * Reads a mapping in text, `1=1,a%2Fb=5`, piece by piece, and calls `take` with each pair.
 *
 * White space, control characters, quotes and byte order marks stand in an id only percent-encoded, as they
 * are written. One line end at the very end is ignored. Holds at most one incomplete pair.
 */
export class PairReader {
  readonly #take: TakePair;
  #rest = "";
  #isBegun = false;

  constructor(take: TakePair) {
    this.#take = take;
  }

  /**
   * Reads the next piece.
   *
   * @throws {SyntaxError} that quotes the first malformed pair, and any error of `take`.
   */
  push(text: string): void {
    const source = this.#rest + text;
    const isPlain = isPlainText(source);
    let start = 0;
    for (let end = source.indexOf(","); end !== -1; end = source.indexOf(",", start)) {
      this.#read(source, start, end, isPlain);
      start = end + 1;
    }
    if (source.length - start > LONGEST_PAIR) throw notAPair(source.slice(start, start + LONGEST_PAIR));
    this.#rest = source.slice(start);
  }

  /** Reads the last pair, after the last piece. Throws as {@linkcode push} does. */
  finish(): void {
    const rest = this.#rest.replace(/\r?\n$/, "");
    if (rest !== "" || this.#isBegun) this.#read(rest, 0, rest.length, isPlainText(rest));
  }

  /** Reads the pair from `start` to before `end`. `isPlain`: its id is not encoded. */
  #read(source: string, start: number, end: number, isPlain: boolean): void {
    this.#isBegun = true;
    const mark = source.indexOf("=", start);
    const count = mark > start && mark < end ? parseWholeNumber(source, mark + 1, end) : undefined;
    if (count !== undefined) {
      if (isPlain && mark - start > LONGEST_DOTS) return this.#take(source, start, mark, count);
      const id = decodeId(source.slice(start, mark));
      if (id !== undefined) return this.#take(id, 0, id.length, count);
    }
    throw notAPair(source.slice(start, end));
  }
}

function notAPair(found: string): SyntaxError {
  let hint = "";
  if (/^\s*[{[]/.test(found)) hint = "; JSON needs Content-Type: application/json";
  else if (found.includes("&")) hint = "; a comma separates pairs, as in 1=3,5=2";
  return new SyntaxError(`Cannot read a mapping: expected id=count, found ${quoted(found)}${hint}`);
}

/** A string in JSON without escapes. */
const PLAIN_STRING = /^"[ !#-[\]-\uffff]*"$/;
const BEGINNING = /^[\t\n\r ]*\{[\t\n\r ]*(?:(\})[\t\n\r ]*)?/;
/** A colon, a number, and the comma or brace after it. */
const VALUE = /[\t\n\r ]*:[\t\n\r ]*(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)[\t\n\r ]*([,}])[\t\n\r ]*/y;

/** Pairs that are read without a pause. */
const SLICE_PAIRS = 1000;

/**
 * Reads a mapping in JSON, `{"1":1,"a/b":5}`, and calls `take` with each pair. Makes no object of it, which
 * would have only the last member of each name. Yields between slices of about a millisecond.
 *
 * @throws {SyntaxError} that quotes the first malformed member, and any error of `take`.
 */
export function* readJsonPairs(source: string, take: TakePair): Generator<undefined, void> {
  const [opening, closing] = BEGINNING.exec(source) ?? [];
  if (opening === undefined) throw new SyntaxError("Cannot read a mapping: expected a JSON object");
  let [at, pairs] = [opening.length, 0];
  for (let mark = closing; mark !== "}";) {
    const end = endOfString(source, at);
    VALUE.lastIndex = end;
    const [, digits, next] = VALUE.exec(source) ?? [];
    const id = parseString(source.slice(at, end));
    const count = digits && (parseWholeNumber(digits) ?? parseJsonNumber(digits));
    if (id === undefined || !isId(id) || typeof count !== "number" || count > MAX_COUNT) {
      const found = source.slice(at, Math.max(end, VALUE.lastIndex - 1)).slice(0, 80);
      throw new SyntaxError(`Cannot read a mapping: expected "id":count, found ${found}`);
    }
    take(id, 0, id.length, count);
    mark = next;
    at = VALUE.lastIndex;
    if (++pairs % SLICE_PAIRS === 0) yield;
  }
  if (at < source.length) throw new SyntaxError("Cannot read a mapping: expected nothing after the object");
}

/** Returns the end of the string in JSON that begins at `start`; `start` if none does. */
function endOfString(source: string, start: number): number {
  if (source[start] !== '"') return start;
  let at = start + 1;
  for (; source[at] !== '"'; at += source[at] === "\\" ? 2 : 1) if (at >= source.length) return start;
  return at + 1;
}

/** Returns the content of a string in JSON; `undefined` if it is malformed. */
function parseString(source: string): string | undefined {
  if (PLAIN_STRING.test(source)) return source.slice(1, -1);
  try {
    return JSON.parse(source) as string;
  } catch {
    return undefined;
  }
}

/**
 * Returns true if a server accepts an id. U+FFFD stands for bytes that were not UTF-8, so no id contains it.
 */
function isId(id: string): boolean {
  return hasPath(id) && !id.includes("\ufffd");
}

/**
 * Returns true if a path can name a song. URLs resolve a dot segment, even if encoded: `song/..` is the list
 * of all songs. A lone surrogate has no UTF-8, and so no percent-encoding.
 */
export function hasPath(id: string): boolean {
  return !/^\.{0,2}$/.test(id) && id.isWellFormed();
}

/** Characters of the longest dot segment. */
const LONGEST_DOTS = 2;

/** Characters that a text has only percent-encoded. Commas and equals signs are found before. */
const ENCODED = /[\s\p{Cc}\ufeff"]/u;

/** Returns true if no id of a text is encoded, and only dot segments are invalid, as in most texts. */
function isPlainText(source: string): boolean {
  return !/[%\ufffd]/.test(source) && !ENCODED.test(source) && source.isWellFormed();
}

function decodeId(encoded: string): string | undefined {
  if (ENCODED.test(encoded)) return undefined;
  try {
    const id = encoded.includes("%") ? decodeURIComponent(encoded) : encoded;
    return isId(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

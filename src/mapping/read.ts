import { SETTINGS } from "../settings/settings.ts";
import { quoted } from "../error-message.ts";
import { MAX_COUNT } from "../store/count-store.ts";
import { MAX_DIGITS, parseWholeNumber } from "./whole-number.ts";

/** Longest pair: an id of the largest `maxIdBytes`, each byte encoded, an equals sign, and a count. */
const LONGEST_PAIR = 3 * SETTINGS.maxIdBytes.max + 1 + MAX_DIGITS;

/**
 * Reads a mapping in text, `1=1,a%2Fb=5`, piece by piece, and calls `take` with each pair.
 *
 * Holds at most one incomplete pair.
 */
export class PairReader {
  readonly #take: (id: string, count: number) => void;
  #rest = "";
  #isBegun = false;

  constructor(take: (id: string, count: number) => void) {
    this.#take = take;
  }

  /**
   * Reads the next piece.
   *
   * @throws {SyntaxError} that quotes the first malformed pair, and any error of `take`.
   */
  push(text: string): void {
    const source = this.#rest + text;
    const decode = decoderFor(source);
    let start = 0;
    for (let end = source.indexOf(","); end !== -1; end = source.indexOf(",", start)) {
      this.#read(source, start, end, decode);
      start = end + 1;
    }
    if (source.length - start > LONGEST_PAIR) throw notAPair(source.slice(start, start + LONGEST_PAIR));
    this.#rest = source.slice(start);
  }

  /** Reads the last pair, after the last piece. Throws as {@linkcode push} does. */
  finish(): void {
    if (this.#rest !== "" || this.#isBegun) this.#read(this.#rest, 0, this.#rest.length, decodeId);
  }

  #read(source: string, start: number, end: number, decode: Decode): void {
    const [id, count] = parsePair(source, start, end, decode);
    this.#isBegun = true;
    this.#take(id, count);
  }
}

/**
 * Reads a mapping in text, piece by piece, and holds its songs. The plays of a song that is listed twice are
 * added.
 */
export class MappingReader {
  readonly #plays = new Map<string, number>();
  readonly #pairs = new PairReader((id, count) => addPlays(this.#plays, id, count));

  /**
   * Reads the next piece.
   *
   * @throws {SyntaxError} that quotes the first malformed pair; {RangeError} if a sum passes 2^53 − 1.
   */
  push(text: string): void {
    this.#pairs.push(text);
  }

  /** Reads the last pair, and returns all plays. Throws as {@linkcode push} does. */
  finish(): ReadonlyMap<string, number> {
    this.#pairs.finish();
    return this.#plays;
  }
}

/**
 * Reads one pair, from `start` to before `end`.
 *
 * @throws {SyntaxError} that quotes a malformed pair.
 */
function parsePair(
  source: string,
  start: number,
  end: number,
  decode: Decode = decodeId,
): [id: string, count: number] {
  const mark = source.indexOf("=", start);
  if (mark > start && mark < end) {
    const id = decode(source.slice(start, mark));
    const count = parseWholeNumber(source, mark + 1, end);
    if (id !== undefined && count !== undefined) return [id, count];
  }
  throw notAPair(source.slice(start, end));
}

function notAPair(found: string): SyntaxError {
  return new SyntaxError(`Cannot read a mapping: expected id=count, found ${quoted(found)}`);
}

/**
 * Reads a mapping in JSON: `{"1":1,"a/b":5}`. The plays of a song that is listed twice are added.
 *
 * @throws {SyntaxError} that quotes the first malformed member; {RangeError} if a sum passes 2^53 − 1.
 */
export function parseJsonMapping(source: string): Map<string, number> {
  const value = parseJson(source);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SyntaxError("Cannot read a mapping: expected a JSON object");
  }
  // The source is read again, member by member: an object keeps only the last member of a name.
  const plays = new Map<string, number>();
  const number = /[\t\n\r ]*:[\t\n\r ]*(-?\d[\d.eE+-]*)[\t\n\r ]*([,}])/y;
  for (let at = source.indexOf("{") + 1; ;) {
    while (/[\t\n\r ]/.test(source.charAt(at))) at++;
    if (source[at] === "}") return plays;
    const end = endOfString(source, at);
    const id: unknown = JSON.parse(source.slice(at, end));
    number.lastIndex = end;
    const [, count, mark] = number.exec(source) ?? [];
    if (typeof id !== "string" || !isId(id) || !isCount(Number(count ?? Number.NaN))) {
      const found = source.slice(at, Math.max(end, number.lastIndex - 1)).slice(0, 80);
      throw new SyntaxError(`Cannot read a mapping: expected "id":count, found ${found}`);
    }
    addPlays(plays, id, Number(count));
    if (mark === "}") return plays;
    at = number.lastIndex;
  }
}

/** Returns the end of a string in valid JSON that begins at `start` with its quote. */
function endOfString(source: string, start: number): number {
  let at = start + 1;
  while (source[at] !== '"') at += source[at] === "\\" ? 2 : 1;
  return at + 1;
}

function addPlays(plays: Map<string, number>, id: string, count: number): void {
  const sum = (plays.get(id) ?? 0) + count;
  if (sum > MAX_COUNT) throw new RangeError(`The plays of ${quoted(id)} exceed ${MAX_COUNT}`);
  plays.set(id, sum);
}

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    throw new SyntaxError("Cannot read a mapping: expected JSON");
  }
}

function isCount(count: unknown): boolean {
  return Number.isSafeInteger(count) && (count as number) >= 0;
}

/**
 * Tells whether a server accepts an id. U+FFFD stands for bytes that were not UTF-8, so no id contains it.
 */
function isId(id: string): boolean {
  return hasPath(id) && !id.includes("\ufffd");
}

/** Tells whether a path can name a song. A lone surrogate has no UTF-8, and so no percent-encoding. */
export function hasPath(id: string): boolean {
  return id !== "" && !isDots(id) && id.isWellFormed();
}

/**
 * Tells whether an id is a dot segment, which URLs resolve even if encoded: `song/..` is the list of all
 * songs.
 */
function isDots(id: string): boolean {
  return id === "." || id === "..";
}

/** Decodes an id in text; `undefined` for an invalid one. */
type Decode = (encoded: string) => string | undefined;

/** Returns the decoder for all ids of a text. Most texts need no decoding, which one check tells. */
function decoderFor(source: string): Decode {
  const isPlain = !source.includes("%") && !source.includes("\ufffd") && source.isWellFormed();
  return isPlain ? (id) => (isDots(id) ? undefined : id) : decodeId;
}

function decodeId(encoded: string): string | undefined {
  try {
    const id = encoded.includes("%") ? decodeURIComponent(encoded) : encoded;
    return isId(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

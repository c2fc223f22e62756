import { SETTINGS } from "../settings/settings.ts";
import { quoted } from "../error-message.ts";
import { MAX_COUNT } from "../store/count-store.ts";
import { MAX_DIGITS, parseWholeNumber } from "./whole-number.ts";

/** An id as long as the longest that can be set, with each byte encoded, and a count: no pair is longer. */
const LONGEST_PAIR = 3 * SETTINGS.maxIdBytes.max + 1 + MAX_DIGITS;

/**
 * Reads the text grammar of a mapping, as it arrives, `1=1,a%2Fb=5`, and gives each pair to `take`.
 *
 * Holds one pair that is not all there yet.
 */
export class PairReader {
  readonly #take: (id: string, count: number) => void;
  #rest = "";
  #isBegun = false;

  constructor(take: (id: string, count: number) => void) {
    this.#take = take;
  }

  /** @throws {SyntaxError} that quotes the first pair that is not `id=count`, and what `take` throws. */
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

  /** To be called at the end, when the last pair is all there. Throws as {@linkcode push} does. */
  finish(): void {
    if (this.#rest !== "" || this.#isBegun) this.#read(this.#rest, 0, this.#rest.length, decodeId);
  }

  #read(source: string, start: number, end: number, decode: Decode): void {
    const [id, count] = parsePair(source, start, end, decode);
    this.#isBegun = true;
    this.#take(id, count);
  }
}

/** Reads the text grammar of a mapping, as it arrives, and holds its songs. One that is named twice has the sum. */
export class MappingReader {
  readonly plays: Map<string, number> = new Map();
  readonly #pairs = new PairReader((id, count) => addPlays(this.plays, id, count));

  /** @throws {SyntaxError} that quotes the first pair that is not `id=count`; {RangeError} if a sum passes 2^53 − 1. */
  push(text: string): void {
    this.#pairs.push(text);
  }

  /** To be called at the end, when the last pair is all there. Throws as {@linkcode push} does. */
  finish(): ReadonlyMap<string, number> {
    this.#pairs.finish();
    return this.plays;
  }
}

/**
 * Reads one pair of the text grammar, from `start` to before `end`.
 *
 * @throws {SyntaxError} that quotes it if it is none.
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
 * Reads the JSON grammar of a mapping: `{"1":1,"a/b":5}`. A song that is named twice has the sum.
 *
 * @throws {SyntaxError} that quotes the first pair that is none; {RangeError} if a sum passes 2^53 − 1.
 */
export function parseJsonMapping(source: string): Map<string, number> {
  const value = parseJson(source);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SyntaxError("Cannot read a mapping: expected a JSON object");
  }
  // It is read once more, member by member, as an object has but the last of those with the same name.
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

/** Where a string of valid JSON ends that begins at `start`, its quotes included. */
function endOfString(source: string, start: number): number {
  let at = start + 1;
  while (source[at] !== '"') at += source[at] === "\\" ? 2 : 1;
  return at + 1;
}

function addPlays(plays: Map<string, number>, id: string, count: number): void {
  const sum = (plays.get(id) ?? 0) + count;
  if (sum > MAX_COUNT) throw new RangeError(`The plays of ${quoted(id)} pass ${MAX_COUNT}`);
  plays.set(id, sum);
}

function parseJson(source: string): unknown {
  try {
    return JSON.parse(source);
  } catch {
    throw new SyntaxError("Cannot read a mapping: it is not JSON");
  }
}

function isCount(count: unknown): boolean {
  return Number.isSafeInteger(count) && (count as number) >= 0;
}

/** Whether a path could name it and a server would take it: the mark for bytes that were not UTF-8 names no song. */
function isId(id: string): boolean {
  return hasPath(id) && !id.includes("\ufffd");
}

/** Whether a path leads to a song. No UTF-8, and so no percent-encoding, says half of a surrogate pair. */
export function hasPath(id: string): boolean {
  return id !== "" && !isDots(id) && id.isWellFormed();
}

/** A URL cannot have these as its last segment, encoded or not: `song/..` is the list of all songs. */
function isDots(id: string): boolean {
  return id === "." || id === "..";
}

/** Gives the id that stands so in the text grammar; `undefined` if it is none. */
type Decode = (encoded: string) => string | undefined;

/** For all ids of a text, which is looked at but once: most have nothing that needs decoding. */
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

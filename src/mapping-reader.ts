import { MAX_COUNT } from "./store/count-store.ts";

/**
 * Reads the text grammar of a mapping, as it arrives: `1=1,a%2Fb=5`. A song that is named twice has the sum.
 *
 * Holds the songs, and one pair that is not all there yet.
 */
export class MappingReader {
  readonly plays: Map<string, number> = new Map();
  #rest = "";

  /** @throws {SyntaxError} that quotes the first pair that is not `id=count`; {RangeError} if a sum passes 2^53 − 1. */
  push(text: string): void {
    const pairs = (this.#rest + text).split(",");
    this.#rest = pairs.pop() ?? "";
    for (const pair of pairs) this.#add(pair);
  }

  /** To be called at the end, when the last pair is all there. Throws as {@linkcode push} does. */
  finish(): ReadonlyMap<string, number> {
    if (this.#rest !== "" || this.plays.size > 0) this.#add(this.#rest);
    return this.plays;
  }

  #add(pair: string): void {
    const [id, count] = parsePair(pair);
    addPlays(this.plays, id, count);
  }
}

/** Reads one pair of the text grammar. */
export function parsePair(pair: string): [id: string, count: number] {
  const mark = pair.indexOf("=");
  const digits = pair.slice(mark + 1);
  const count = /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN;
  const id = mark < 1 ? undefined : decode(pair.slice(0, mark));
  if (id === undefined || !Number.isSafeInteger(count)) throw notAPair(pair);
  return [id, count];
}

/** An error that quotes what was found in the place of a pair. */
export function notAPair(pair: string): SyntaxError {
  const found = JSON.stringify(pair.slice(0, 80));
  return new SyntaxError(`Cannot read a mapping: expected id=count, found ${found}`);
}

/**
 * Reads the JSON grammar of a mapping: `{"1":1,"a/b":5}`. A song that is named twice has the sum.
 *
 * @throws {SyntaxError} that quotes the first pair that is none; {RangeError} if a sum passes 2^53 − 1.
 */
export function parseJsonMapping(source: string): Map<string, number> {
  const plays = new Map<string, number>();
  const value = parseJson(source);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SyntaxError("Cannot read a mapping: expected a JSON object");
  }
  const wrong = Object.entries(value).find(([id, count]) => !isId(id) || !isCount(count));
  if (wrong !== undefined) {
    const found = JSON.stringify(Object.fromEntries([wrong])).slice(1, 81);
    throw new SyntaxError(`Cannot read a mapping: expected "id":count, found ${found}`);
  }
  // What is in the source is an object of numbers: its members can be told apart by their form. They are read once
  // more, as an object has but the last of those with the same name.
  for (const [, name = "", count] of source.matchAll(/("(?:[^"\\]|\\.)*")\s*:\s*([-+.\w]+)/g)) {
    const plain: unknown = JSON.parse(name);
    if (!isCount(Number(count)))
      throw new SyntaxError(`Cannot read a mapping: expected "id":count, found ${name}:${count}`);
    addPlays(plays, String(plain), Number(count));
  }
  return plays;
}

function addPlays(plays: Map<string, number>, id: string, count: number): void {
  const sum = (plays.get(id) ?? 0) + count;
  if (sum > MAX_COUNT) throw new RangeError(`The plays of ${JSON.stringify(id)} pass ${MAX_COUNT}`);
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

/** Whether a path could name it: a mark for bytes that were not UTF-8, or half of a surrogate pair, names no song. */
function isId(id: string): boolean {
  return id !== "" && id.isWellFormed() && !id.includes("\ufffd");
}

function decode(encoded: string): string | undefined {
  try {
    const id = encoded.includes("%") ? decodeURIComponent(encoded) : encoded;
    return isId(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

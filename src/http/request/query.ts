import { quoted } from "../../error-message.ts";
import { parseWholeNumber } from "../../mapping/whole-number.ts";
import { Problem } from "../response/problem.ts";
import { checkSongId } from "./song-id.ts";

/** A query parameter that an operation may have. */
export type QueryParameter = "id" | "top" | "after";

/** Values of query parameters. Only `id` has several. */
export type Query = ReadonlyMap<QueryParameter, readonly string[]>;

/** Most songs that a query can name. */
export const MAX_IDS = 100;

/** Most songs of a ranking, which is built in memory. */
export const MAX_TOP = 1000;

export const NO_QUERY: Query = new Map();

/**
 * Reads a query, which is empty or begins with `?`. A plus sign is a space, as browsers write it.
 *
 * @throws {Problem} 400 for a parameter that is not one of `known`, or is given too often.
 */
export function parseQuery(query: string, known: readonly QueryParameter[]): Query {
  const values = new Map<QueryParameter, string[]>();
  for (const part of query.slice(1).split("&")) {
    if (part === "") continue;
    const mark = part.indexOf("=");
    const given = decode(mark === -1 ? part : part.slice(0, mark));
    const name = known.find((parameter) => parameter === given);
    if (name === undefined) {
      const allowed = known.length === 0 ? "none is allowed" : `allowed: ${known.join(", ")}`;
      throw new Problem(400, `Unknown query parameter ${quoted(given)}; ${allowed} here`);
    }
    const value = mark === -1 ? "" : decode(part.slice(mark + 1));
    const before = values.get(name);
    if (before === undefined) values.set(name, [value]);
    else if (name !== "id") throw new Problem(400, `The query parameter ${name} may be given once`);
    else if (before.push(value) > MAX_IDS) throw new Problem(400, `id may be given ${MAX_IDS} times`);
  }
  return values;
}

/** Returns U+FFFD for a text that is not percent-encoded UTF-8: no parameter takes it. */
function decode(text: string): string {
  if (!/[%+]/.test(text)) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return "\ufffd";
  }
}

/**
 * Reads `id`: the songs that the query names, each once.
 *
 * @returns `undefined` without the parameter.
 * @throws {Problem} 400 for an id that no path can have.
 */
export function readIds(query: Query): string[] | undefined {
  const ids = query.get("id");
  if (ids === undefined) return undefined;
  for (const id of ids) {
    if (id === "") throw new Problem(400, "id must not be empty");
    checkSongId(id);
  }
  return [...new Set(ids)];
}

/**
 * Reads a whole number from a query.
 *
 * @returns `undefined` without the parameter.
 * @throws {Problem} 400 for any other value than a whole number from `min` to `max`.
 */
function readNumber(
  query: Query,
  name: QueryParameter,
  { min, max }: { min: number; max: number },
): number | undefined {
  const value = query.get(name)?.[0];
  if (value === undefined) return undefined;
  const number = parseWholeNumber(value);
  if (number !== undefined && number >= min && number <= max) return number;
  throw new Problem(400, `${name} must be a whole number from ${min} to ${max}`);
}

/** Reads `top`: the number of songs of a ranking. */
export function readTop(query: Query): number | undefined {
  return readNumber(query, "top", { min: 1, max: MAX_TOP });
}

const FOLDS = { min: 0, max: Number.MAX_SAFE_INTEGER };

/** Reads `after`: the newest fold whose plays are left out; 0 leaves out none. */
export function readAfter(query: Query): number | undefined {
  return readNumber(query, "after", FOLDS);
}

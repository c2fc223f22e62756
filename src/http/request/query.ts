import { quoted } from "../../error-message.ts";
import { parseWholeNumber } from "../../mapping/whole-number.ts";
import { Problem } from "../response/problem.ts";

/** A query parameter that an operation may have. */
export type QueryParameter = "top" | "after";

/** Values of query parameters. */
export type Query = ReadonlyMap<QueryParameter, string>;

export const NO_QUERY: Query = new Map();

/**
 * Reads a query, which is empty or begins with `?`.
 *
 * @throws {Problem} 400 for a parameter that is not one of `known`, or that stands twice.
 */
export function parseQuery(query: string, known: readonly QueryParameter[]): Query {
  const values = new Map<QueryParameter, string>();
  for (const [given, value] of new URLSearchParams(query)) {
    const name = known.find((parameter) => parameter === given);
    if (name === undefined) {
      const allowed = known.length === 0 ? "none is allowed" : `allowed: ${known.join(", ")}`;
      throw new Problem(400, `Unknown query parameter ${quoted(given)}; ${allowed} here`);
    }
    if (values.has(name)) throw new Problem(400, `The query parameter ${name} may be given once`);
    values.set(name, value);
  }
  return values;
}

/**
 * Reads a whole number from a query.
 *
 * @returns `undefined` without the parameter.
 * @throws {Problem} 400 for any other value than a whole number from `min` to `max`.
 */
export function readNumber(
  query: Query,
  name: QueryParameter,
  { min, max }: { min: number; max: number },
): number | undefined {
  const value = query.get(name);
  if (value === undefined) return undefined;
  const number = parseWholeNumber(value);
  if (number !== undefined && number >= min && number <= max) return number;
  throw new Problem(400, `${name} must be a whole number from ${min} to ${max}`);
}

const FOLDS = { min: 0, max: Number.MAX_SAFE_INTEGER };

/** Reads `after`: the newest fold whose plays are left out; 0 leaves out none. */
export function readAfter(query: Query): number | undefined {
  return readNumber(query, "after", FOLDS);
}

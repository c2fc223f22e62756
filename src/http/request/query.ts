import { parseWholeNumber } from "../../mapping/whole-number.ts";
import { Problem } from "../response/problem.ts";

/**
 * Reads a whole number from a query, which is empty or begins with `?`.
 *
 * @returns `undefined` without a parameter `name`.
 * @throws {Problem} 400 for two of them, or for any other value than a whole number from `min` to `max`.
 */
export function readNumber(
  query: string,
  name: string,
  { min, max }: { min: number; max: number },
): number | undefined {
  if (query === "") return undefined;
  const values = new URLSearchParams(query).getAll(name);
  if (values.length === 0) return undefined;
  const number = values.length === 1 ? parseWholeNumber(values[0] ?? "") : undefined;
  if (number !== undefined && number >= min && number <= max) return number;
  throw new Problem(400, `${name} must be a whole number from ${min} to ${max}`);
}

/** Reads `after` from a query: the newest fold whose plays are left out; 0 leaves out none. */
export function readAfter(query: string): number | undefined {
  return readNumber(query, "after", { min: 0, max: Number.MAX_SAFE_INTEGER });
}

import { quoted } from "../error-message.ts";
import { hasPath } from "../mapping/read.ts";

/** @throws {TypeError} for an id that is not a string, or cannot be part of a path. */
export function checkId(id: string): void {
  checkType("An id", id, "string");
  if (!hasPath(id)) throw new TypeError(`The id ${quoted(id)} cannot be part of a path`);
}

/** @throws {TypeError} for a value of another type, and for `null`. */
export function checkType(name: string, value: unknown, type: "string" | "object" | "function"): void {
  if (typeof value === type && value !== null) return;
  throw new TypeError(`${name} must be ${type === "object" ? "an" : "a"} ${type}, not ${shown(value)}`);
}

/** @throws {RangeError} for anything but a whole number from `min` to `max`. */
export function checkNumber(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be a whole number from ${min} to ${max}, not ${shown(value)}`);
}

/**
 * @throws {TypeError} for anything but a map, and for an id as {@linkcode checkId} does.
 * @throws {RangeError} for plays that are not a whole number.
 */
export function checkPlays(plays: ReadonlyMap<string, number>): void {
  if (typeof plays?.get !== "function") throw new TypeError("Plays must be a Map of ids to numbers");
  for (const [id, count] of plays) {
    checkId(id);
    checkNumber(`The plays of ${quoted(id)}`, count, 0, Number.MAX_SAFE_INTEGER);
  }
}

/** Returns a value of any type for an error, with its type unless that is expected. */
export function shown(value: unknown): string {
  if (typeof value === "number") return String(value);
  return value == null ? String(value) : `the ${typeof value} ${quoted(String(value))}`;
}

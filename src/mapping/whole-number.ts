import { MAX_COUNT } from "../store/count-store.ts";

/** Digits of 2^53 − 1. */
export const MAX_DIGITS = 16;

/**
 * Reads a whole number in decimal digits, from `start` to before `end` of a text: a count, the number of a
 * fold.
 *
 * @returns `undefined` for anything but 1 to 16 digits, and for a number above 2^53 − 1.
 */
export function parseWholeNumber(source: string, start = 0, end: number = source.length): number | undefined {
  if (start >= end || end - start > MAX_DIGITS) return undefined;
  let number = 0;
  for (let at = start; at < end; at++) {
    const digit = source.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    number = number * 10 + digit;
  }
  return number <= MAX_COUNT ? number : undefined;
}

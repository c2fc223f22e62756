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

const JSON_NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * Reads a number in JSON by its digits: `1.0` and `1e3` are whole, and `0.99999999999999999999` is not,
 * although it is rounded to 1 as a number.
 *
 * @returns `undefined` unless it is whole and 0 or more. Above 2^53 − 1 the number may be inexact.
 */
export function parseJsonNumber(source: string): number | undefined {
  const [, sign, whole, fraction = "", exponent = "0"] = JSON_NUMBER.exec(source) ?? [];
  if (whole === undefined) return undefined;
  const digits = whole + fraction;
  let end = digits.length;
  while (digits[end - 1] === "0") end--;
  if (end === 0) return Number(source);
  const decimals = fraction.length - (digits.length - end) - Number(exponent);
  return sign === "-" || decimals > 0 ? undefined : Number(source);
}

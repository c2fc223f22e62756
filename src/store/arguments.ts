import { quoted } from "../error-message.ts";
import { MAX_COUNT, MAX_LABEL_LENGTH } from "./count-store.ts";

// Checks of what a store is called with. HTTP passes nothing else; a program with a store of its own may.

/** @throws {RangeError} unless `plays` is a whole number from 0 to 2^53 − 1. */
export function checkPlays(plays: number): void {
  if (!(Number.isSafeInteger(plays) && plays >= 0))
    throw new RangeError(`plays must be a whole number from 0 to ${MAX_COUNT}, not ${plays}`);
}

/** @throws {RangeError} unless a fold may have this number and this label. */
export function checkFold(fold: number, label: string): void {
  if (!(Number.isSafeInteger(fold) && fold >= 1))
    throw new RangeError(`fold must be a whole number from 1 to ${MAX_COUNT}, not ${fold}`);
  if (!(label.length <= MAX_LABEL_LENGTH && /^[ -~]*$/.test(label)))
    throw new RangeError(
      `label must have at most ${MAX_LABEL_LENGTH} printable ASCII characters, and is ${quoted(label)}`,
    );
}

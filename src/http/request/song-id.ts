import { Problem } from "../response/problem.ts";
import { Refusal } from "../../store/refusal.ts";

/**
 * Decodes the id in a path: everything after `/song/`.
 *
 * @throws {Problem} 400 if `encoded` is not percent-encoded UTF-8; {Refusal} `too long` if the id is
 * certainly longer than `maxBytes`. The store checks the exact length.
 */
export function decodeSongId(encoded: string, maxBytes: number): string {
  return encoded.includes("%") ? percentDecode(encoded, maxBytes) : encoded;
}

function percentDecode(encoded: string, maxBytes: number): string {
  // At most three characters encode a byte.
  if (encoded.length > maxBytes * 3) throw Refusal.tooLong(maxBytes);
  let id: string;
  try {
    id = decodeURIComponent(encoded);
  } catch {
    throw new Problem(400, "The id is not percent-encoded UTF-8");
  }
  checkSongId(id);
  return id;
}

/**
 * Refuses U+0000, and U+FFFD: runtimes put it in place of bytes that are not UTF-8, so several songs would be
 * counted as one.
 *
 * @throws {Problem} 400
 */
export function checkSongId(id: string): void {
  if (id.includes("\ufffd"))
    throw new Problem(400, "The id contains U+FFFD, which stands for bytes that were not UTF-8");
  if (id.includes("\0")) throw new Problem(400, "The id contains U+0000, which no database takes");
}

/**
 * Tells what is wrong with the id of a song that is to be played, as the end of a sentence; `undefined` if it
 * can be played.
 */
export type IdRule = (id: string) => string | undefined;

/** Returns the rule that ids match the whole of `pattern`, a regular expression; none for an empty one. */
export function idRuleOf(pattern: string): IdRule | undefined {
  if (pattern === "") return undefined;
  const whole = new RegExp(`^(?:${pattern})$`, "u");
  return (id) => (whole.test(id) ? undefined : `does not match ${pattern}`);
}

import { Problem } from "../response/problem.ts";
import { Refusal } from "../../store/refusal.ts";

/**
 * The song that `encoded`, what stands behind `/song/` in a path, is the name of.
 *
 * U+FFFD is refused: it is what runtimes put in the place of bytes that are not UTF-8 before we can see
 * them, and plays of different songs must not end up in one.
 *
 * @throws {Problem} 400 if it is not percent-encoded UTF-8; {Refusal} `too long` if so much of it is encoded that it
 * must be longer than `maxBytes`; the store judges all other lengths.
 */
export function decodeSongId(encoded: string, maxBytes: number): string {
  return encoded.includes("%") ? percentDecode(encoded, maxBytes) : encoded;
}

function percentDecode(encoded: string, maxBytes: number): string {
  if (encoded.length > maxBytes * 3) throw Refusal.tooLong(maxBytes); // three characters make a byte, at the most
  let id: string;
  try {
    id = decodeURIComponent(encoded);
  } catch {
    throw new Problem(400, "The id is not percent-encoded UTF-8");
  }
  if (id.includes("\ufffd"))
    throw new Problem(400, "The id holds U+FFFD, the mark of bytes that were not UTF-8");
  return id;
}

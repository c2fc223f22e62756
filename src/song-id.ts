import { Problem } from "./problem.ts";

const utf8 = new TextEncoder();

/**
 * The song that `encoded`, what stands behind `/song/` in a path, is the name of.
 *
 * U+FFFD is refused: it is what runtimes put in the place of bytes that are not UTF-8 before we can see
 * them, and plays of different songs must not end up in one.
 *
 * @throws {Problem} 400 if it is not percent-encoded UTF-8; 414 if it is longer than `maxBytes`.
 */
export function decodeSongId(encoded: string, maxBytes: number): string {
  const id = encoded.includes("%") ? percentDecode(encoded, maxBytes) : encoded;
  // A UTF-16 code unit is at most three bytes of UTF-8: most ids need no counting.
  if (id.length * 3 > maxBytes && utf8.encode(id).length > maxBytes) throw tooLong(maxBytes);
  return id;
}

function percentDecode(encoded: string, maxBytes: number): string {
  if (encoded.length > maxBytes * 3) throw tooLong(maxBytes); // three characters make a byte, at the most
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

function tooLong(maxBytes: number): Problem {
  return new Problem(414, `The id is longer than ${maxBytes} bytes of UTF-8`);
}

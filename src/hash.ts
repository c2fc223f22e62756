/** Two 32-bit words that key a hash. */
export type HashKey = readonly [number, number];

/** A key that nobody outside can know, so that nobody can choose ids that collide. */
export function randomKey(): HashKey {
  const [low = 0, high = 0] = crypto.getRandomValues(new Uint32Array(2));
  return [low, high];
}

/**
 * HalfSipHash-1-3 of the UTF-16 code units of `text` (little endian), as an unsigned 32-bit number.
 *
 * A keyed hash rather than a faster plain one: ids come from strangers, who could otherwise send a flood
 * of ids that all land in one place (J.-P. Aumasson, D. J. Bernstein: SipHash, a fast short-input PRF).
 */
export function hash(text: string, [key0, key1]: HashKey): number {
  const length = text.length;
  const words = new Int32Array((length >> 1) + 1);
  for (let at = 0; at < length; at++) {
    words[at >> 1] = (words[at >> 1] as number) | (text.charCodeAt(at) << ((at & 1) << 4));
  }
  // The last word has the last code unit or none, and the length in bytes on top.
  words[length >> 1] = (words[length >> 1] as number) | (length << 25);
  return hashWords(words, 0, words.length, key0, key1) >>> 0;
}

/**
 * Returns a 64-bit digest of `text`, as two 32-bit words. Without a secret key: it is the same in every
 * process.
 */
export function hash64(text: string): HashKey {
  return [hash(text, [0, 0]), hash(text, [0, 1])];
}

/**
 * HalfSipHash-1-3 of `length` words of 32 bits from `start` on, as a signed 32-bit number.
 *
 * The words must tell where they end, as those of a text do with their length: no length is added to them.
 */
export function hashWords(
  words: Int32Array,
  start: number,
  length: number,
  key0: number,
  key1: number,
): number {
  let v0 = key0 | 0;
  let v1 = key1 | 0;
  let v2 = 0x6c796765 ^ key0;
  let v3 = 0x74656462 ^ key1;
  const last = start + length;
  // A round for each word, and then the three of the finish, which take no word.
  for (let at = start; at < last + 3; at++) {
    const word = at < last ? (words[at] as number) : 0;
    if (at === last) v2 ^= 0xff;
    v3 ^= word;

    v0 = (v0 + v1) | 0;
    v1 = (v1 << 5) | (v1 >>> 27);
    v1 ^= v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = (v3 << 8) | (v3 >>> 24);
    v3 ^= v2;
    v0 = (v0 + v3) | 0;
    v3 = (v3 << 7) | (v3 >>> 25);
    v3 ^= v0;
    v2 = (v2 + v1) | 0;
    v1 = (v1 << 13) | (v1 >>> 19);
    v1 ^= v2;
    v2 = (v2 << 16) | (v2 >>> 16);

    v0 ^= word;
  }
  return v1 ^ v3;
}

/** Two 32-bit words that key a hash. */
export type HashKey = readonly [number, number];

/** Returns a random key, so that clients cannot choose ids that collide. */
export function randomKey(): HashKey {
  const [low = 0, high = 0] = crypto.getRandomValues(new Uint32Array(2));
  return [low, high];
}

let keyOfProcess: HashKey | undefined;

/** Returns a random key, the same each time. workerd has no random numbers before the first request. */
export function processKey(): HashKey {
  return (keyOfProcess ??= randomKey());
}

/**
 * Returns the HalfSipHash-1-3 of the UTF-16 code units of `text` (little endian), as an unsigned 32-bit
 * number.
 *
 * The hash is keyed, although others are faster: clients choose the ids, and could otherwise flood one bucket
 * with ids that collide (J.-P. Aumasson, D. J. Bernstein: SipHash, a fast short-input PRF).
 */
export function hash(text: string, [key0, key1]: HashKey): number {
  const count = readWords(text); // replaces the scratch if the text is long
  return hashWords(scratch, 0, count, key0, key1) >>> 0;
}

/** The words of the last text: a new array for each would take as long as hashing a short one. */
let scratch = new Int32Array(64);

/** Writes the words of `text` into the scratch, and returns their number. */
function readWords(text: string): number {
  const { length } = text;
  const count = (length >> 1) + 1;
  if (count > scratch.length) scratch = new Int32Array(count * 2);
  const words = scratch;
  for (let at = 1; at < length; at += 2)
    words[at >> 1] = text.charCodeAt(at - 1) | (text.charCodeAt(at) << 16);
  // The last word has the last code unit, if their number is odd, and the length in bytes in its top byte.
  words[length >> 1] = (length << 25) | ((length & 1) === 0 ? 0 : text.charCodeAt(length - 1));
  return count;
}

/**
 * Returns a 64-bit digest of `text`, as two 32-bit words. Without a secret key it is the same in every
 * process.
 */
export function hash64(text: string, key: HashKey = [0, 0]): HashKey {
  const count = readWords(text);
  return hashWords64(scratch, 0, count, key);
}

/** Returns a 64-bit digest of some words, as {@linkcode hashWords} does one of 32 bits. */
export function hashWords64(words: Int32Array, start: number, length: number, key: HashKey): HashKey {
  const [key0, key1] = key;
  const high = hashWords(words, start, length, key0, key1) >>> 0;
  return [high, hashWords(words, start, length, key0, key1 ^ 1) >>> 0];
}

/**
 * Returns the HalfSipHash-1-3 of `length` 32-bit words from `start`, as a signed 32-bit number.
 *
 * No length is added: the last word must contain it, as that of a text does.
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
  // One round for each word, and three final rounds without a word.
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

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
  let v0 = key0;
  let v1 = key1;
  let v2 = 0x6c796765 ^ key0;
  let v3 = 0x74656462 ^ key1;

  const length = text.length;
  // One word a turn: two code units; then the last one or none, with the length in bytes on top;
  // then the three rounds of the finish, which take no word.
  const words = (length >> 1) + 1;
  for (let turn = 0; turn < words + 3; turn++) {
    let word = 0;
    const at = turn << 1;
    if (turn < words - 1) word = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 16);
    else if (turn === words - 1) word = (length << 25) | (at < length ? text.charCodeAt(at) : 0);
    else if (turn === words) v2 ^= 0xff;
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
  return (v1 ^ v3) >>> 0;
}

const OFFSET_BASIS = 0x811c9dc5;
const PRIME = 0x01000193;
/** The inverse of the prime modulo 2^16. */
const INVERSE = inverse(PRIME & 0xffff);

/** Bits of the hash in which crafted ids agree. */
const MASK = 0xffff;

const ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz";
const SUFFIX_LENGTH = 3;
const PREFIX_LENGTH = 11;

/** FNV-1a, a hash without a key: an attacker can compute ids that collide. */
export function fnv1a(id: string): number {
  let hash = OFFSET_BASIS;
  for (let at = 0; at < id.length; at++) hash = Math.imul(hash ^ id.charCodeAt(at), PRIME);
  return hash >>> 0;
}

/**
 * Finds `count` ids of 14 bytes whose FNV-1a ends in the same 16 bits.
 *
 * The low bits of the hash depend on its own low bits only. So the search meets in the middle: it computes
 * the bits that each suffix needs before it, and then tries prefixes until they have such bits.
 */
export function craftIds(count: number): string[] {
  const suffixes = suffixesByNeed();
  const ids: string[] = [];
  for (let number = 0; ids.length < count; number++) {
    const prefix = `song-${String(number).padStart(PREFIX_LENGTH - 5, "0")}`;
    const suffix = suffixes.get(fnv1a(prefix) & MASK);
    if (suffix !== undefined) ids.push(prefix + suffix);
  }
  if (new Set(ids).size < count || new Set(ids.map((id) => fnv1a(id) & MASK)).size !== 1) {
    throw new Error("the crafted ids are not distinct, or do not collide");
  }
  return ids;
}

/** Returns distinct random ids of the same form. */
export function randomIds(count: number): string[] {
  const ids = new Set<string>();
  while (ids.size < count) {
    const number = Math.floor(Math.random() * 10 ** (PREFIX_LENGTH - 5));
    const suffix = Array.from({ length: SUFFIX_LENGTH }, () => ALPHABET[Math.floor(Math.random() * 36)]);
    ids.add(`song-${String(number).padStart(PREFIX_LENGTH - 5, "0")}${suffix.join("")}`);
  }
  return [...ids];
}

/** Maps the low bits of a hash to a suffix that turns them into zero. */
function suffixesByNeed(): Map<number, string> {
  let needs = new Map([[0, ""]]);
  for (let length = 0; length < SUFFIX_LENGTH; length++) {
    const longer = new Map<number, string>();
    for (const [bits, suffix] of needs) {
      for (const character of ALPHABET) {
        const before = (Math.imul(bits, INVERSE) ^ character.charCodeAt(0)) & MASK;
        longer.set(before, character + suffix);
      }
    }
    needs = longer;
  }
  return needs;
}

/** Returns the inverse modulo 2^16 by Newton's method: each step doubles the correct bits, at first 3. */
function inverse(odd: number): number {
  let inverse = odd;
  for (let bits = 3; bits < 16; bits *= 2) inverse = Math.imul(inverse, 2 - Math.imul(odd, inverse));
  return inverse & MASK;
}

/** What makes the state of JavaScriptCore's hash zero after four characters, and what does not. */
const ZEROING = "ô;\x81Ê¹ð«Ç";
const OTHER = "ô;\x81Ê¹ð«È";

/**
 * Returns `count` distinct ids from number `first` on, which all have one hash in a `Map` of JavaScriptCore
 * if they are `crafted`. Others have the same length.
 */
export function mapIds(crafted: boolean, first: number, count: number): string[] {
  const middle = crafted ? ZEROING : OTHER;
  return Array.from(
    { length: count },
    (_, at) => `${(first + at).toString(36).padStart(4, "0")}${middle}AAAA`,
  );
}

import { hash, hashWords } from "../../../hash.ts";
import type { PackedBatch } from "../../packed-batch.ts";
import { wordsOfId } from "../../packed-id.ts";

/** Plays are summed modulo 2^52, so that every sum is exact. */
const SUM = 2 ** 52;

/** A sum over rows of `song`. */
export interface Digest {
  plays: number;
  digest: number;
}

/**
 * Adds the plays of songs to a sum. Commutative: order and number of parts do not matter.
 *
 * Not guaranteed: a damaged id is detected only if the song's plays modulo 2^32 are not 0, and the more
 * powers of 2 divide them, the more damaged ids have the same product. Other sums would be a new format.
 */
export function addTo(sum: Digest, { size, words, idPositions, plays }: PackedBatch): void {
  for (let song = 0; song < size; song++) {
    const more = plays[song] as number;
    const id = (idPositions[song] as number) + 1;
    // Not with the key of the file: a file of format 1 has none.
    const hash = hashWords(words, id, wordsOfId(words[id] as number), 0, 0);
    sum.plays = (sum.plays + (more % SUM)) % SUM;
    sum.digest = (sum.digest + Math.imul(hash, more % 2 ** 32)) | 0;
  }
}

/** Adds a sum over other rows to a sum. */
export function addSum(sum: Digest, { plays, digest }: Digest): void {
  sum.plays = (sum.plays + plays) % SUM;
  sum.digest = (sum.digest + digest) | 0;
}

/** Returns the digest of a row's values. */
export function digestOf(...values: readonly (string | number)[]): number {
  return values.reduce<number>((digest, value) => hash(String(value), [digest, 0]), 0);
}

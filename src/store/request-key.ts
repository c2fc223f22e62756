import { hash64 } from "../hash.ts";

/** Identifies a request, so that a retry is not counted twice. */
export interface RequestKey {
  /** The name of the client: 1 to 65 of `A-Z a-z 0-9 . _ - !`. */
  writer: string;
  /** A whole number from 0 to 2^53 − 1, higher than that of every earlier request of the writer. */
  seq: number;
}

/** Longest name of a writer: a client's name of up to 64 characters, and a prefix of one. */
export const MAX_WRITER_LENGTH = 65;

/** A writer's last request and its answer, as durable stores write it to disk. */
export interface LastRequest {
  seq: number;
  fingerprint: number;
  fold: number;
  /** The new counts of its songs, in its order; `null` if they were too many to keep. */
  totals: readonly number[] | null;
}

/**
 * Returns a 53-bit hash of a request, which tells a retry from a different request with the same key. `kind`
 * is the kind of the request. The hash has no key: a client that makes two of its own requests collide gains
 * nothing.
 */
export function fingerprintOf(kind: string, plays: ReadonlyMap<string, number>): number {
  const [high, low] = hash64(kind + JSON.stringify([...plays]));
  return (high & 0x1fffff) * 2 ** 32 + low;
}

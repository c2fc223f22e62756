import { hash64, type HashKey } from "../hash.ts";

/** Identifies a request, so that a retry is not counted twice. */
export interface RequestKey {
  /** The name of the client: 1 to 65 of `A-Z a-z 0-9 . _ - !`. */
  writer: string;
  /** A whole number from 0 to 2^53 − 1, higher than that of every earlier request of the writer. */
  seq: number;
}

/** A request that is kept with its answer. */
export interface KeyedRequest {
  key: RequestKey;
  fingerprint: number;
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
 * Returns the fingerprint of a request, 53 bits of its digest, which tells a retry from a different request
 * with the same key. The digest has no secret: a client that makes two of its own requests collide gains
 * nothing.
 */
export function fingerprintOf([high, low]: HashKey): number {
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
}

/** Returns the fingerprint of a request for one song. */
export function fingerprintOfSong(id: string, plays: number): number {
  return fingerprintOf(hash64(`${plays}=${id}`));
}

import { hash } from "../hash.ts";

/** What a client says of a request that it may send again: who it is, and which of its requests this one is. */
export interface RequestKey {
  /** 1 to {@linkcode MAX_WRITER_LENGTH} of `A-Z a-z 0-9 . _ - !`. */
  writer: string;
  /** From 0 to 2^53 − 1; each request of a writer has a higher one than those before. */
  seq: number;
}

/** Longest name of a writer: what a client may call itself, and a mark in front. */
export const MAX_WRITER_LENGTH = 65;

/** A writer's last request and what was answered to it, as it can be kept. */
export interface LastRequest {
  seq: number;
  fingerprint: number;
  fold: number;
  /** The new counts of its songs; `null` if there were too many to keep them. */
  totals: readonly number[] | null;
}

/**
 * A whole number below 2^53 that tells what is asked for from anything else: `kind` is the kind of the request. It has
 * no key, as nobody gains anything if two requests of his own are taken for the same.
 */
export function fingerprintOf(kind: string, plays: ReadonlyMap<string, number>): number {
  const text = kind + JSON.stringify([...plays]);
  return (hash(text, [0, 0]) & 0x1fffff) * 2 ** 32 + hash(text, [0, 1]);
}

import type { Awaitable } from "../awaitable.ts";

/** A song and its plays, a whole number from 0 to 2^53 − 1. */
export type Entry = readonly [id: string, count: number];

/** The largest count there is: 2^53 − 1, the last whole number a JSON reader is sure to keep exact. */
export const MAX_COUNT: number = Number.MAX_SAFE_INTEGER;

/** Some of the songs; good until the next chunk is asked for. */
export interface Chunk extends Iterable<Entry> {
  /** Calls `visit` with each song, its id being the bytes from `start` to before `end`, in UTF-8: what needs no string. */
  eachUtf8?(visit: (bytes: Uint8Array, start: number, end: number, count: number) => void): void;
}

/** Limits that every store has. */
export interface StoreOptions {
  /** How many songs there is room for: 0 to 2^40, 10,000,000 unless told. */
  maxSongs?: number;
  /** Longest id, in bytes of UTF-8: 1 to 4096, 512 unless told. */
  maxIdBytes?: number;
}

/**
 * Where the counts are kept. Every method gives a value or a promise, as suits the store.
 *
 * Ids are any strings without lone surrogates, and every method that takes one refuses it as `too long` past
 * `maxIdBytes`. Each call happens at one instant, but for `entries` and `top`, which say what they guarantee.
 */
export interface CountStore {
  /** Longest id, in bytes of UTF-8. */
  readonly maxIdBytes: number;

  /**
   * Names the present state: another string after every change, never the same one twice, and not that of
   * any other store. Made of `A-Z a-z 0-9 -` alone. Costs no walk over the songs.
   */
  readonly version: string;

  /** The plays of `id`; 0 for a song that was never played, which asking does not register. */
  get(id: string): Awaitable<number>;

  /**
   * Adds `plays`, a whole number from 0 to 2^53 − 1, and gives the new count. Adding 0 registers nothing.
   *
   * @throws {Refusal} `overflow` if the count would pass 2^53 − 1, `full` for a new song past the last
   * one there is room for; neither changes anything.
   */
  add(id: string, plays: number): Awaitable<number>;

  /**
   * Every song with a count, in chunks and no particular order. Each chunk is read at one instant; the
   * next one may be later, so plays that arrive meanwhile may or may not be in. A song is never given twice.
   */
  entries(): Iterable<Chunk> | AsyncIterable<Chunk>;

  /**
   * The `n` songs, 1 or more, with the highest counts, highest first, ties by id in ascending code-unit order.
   * Read as `entries` is: where that takes several steps, each song's count is that of the step it was read in.
   */
  top(n: number): Awaitable<Entry[]>;

  /**
   * Forgets every song and gives true. With `unless`, that is asked first, about the version in force at
   * that instant: if it gives true, nothing is forgotten and the answer is false.
   */
  clear(unless?: (version: string) => boolean): Awaitable<boolean>;
}

/** Why a store refuses: the count would pass 2^53 − 1, there is no room for a new song, or an id is too long. */
export type RefusalReason = "overflow" | "full" | "too long";

/** Something that a store refused; nothing has changed. */
export class Refusal extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.name = "Refusal";
    this.reason = reason;
  }

  static overflow(count: number, plays: number): Refusal {
    return new Refusal("overflow", `Adding ${plays} to ${count} would pass ${MAX_COUNT}`);
  }

  static full(maxSongs: number): Refusal {
    return new Refusal("full", `There is room for ${maxSongs} songs`);
  }

  static tooLong(maxIdBytes: number): Refusal {
    return new Refusal("too long", `The id is longer than ${maxIdBytes} bytes of UTF-8`);
  }
}

import type { Awaitable } from "../async/awaitable.ts";
import type { HashKey } from "../hash.ts";
import type { GivenSettings } from "../settings/settings.ts";
import type { RequestKey } from "./request-key.ts";

/** A song and its count: a whole number from 0 to 2^53 − 1. */
export type Entry = readonly [id: string, count: number];

/** The largest count: 2^53 − 1, up to which JSON readers keep whole numbers exact (RFC 8259 section 6). */
export const MAX_COUNT: number = Number.MAX_SAFE_INTEGER;

/** The songs of a batch, each once, with the plays to add: from 0 to 2^53 − 1. A `Map` is one. */
export interface SongPlays extends Iterable<Entry> {
  /** Number of songs. */
  readonly size: number;
}

/** Most characters of a fold's label. */
export const MAX_LABEL_LENGTH = 200;

/** Some songs of a list. Valid until the next chunk is asked for. */
export interface Chunk extends Iterable<Entry> {
  /**
   * Calls `visit` with each song. Its id is the UTF-8 in `bytes` from `start` to before `end`. Faster than
   * iterating, as no strings are made; not every store has it.
   */
  eachUtf8?(visit: (bytes: Uint8Array, start: number, end: number, count: number) => void): void;
}

/** The outcome of an addition. */
export interface Addition {
  /** The song's new count. */
  count: number;
  /** The newest fold that was sealed before the addition; 0 if none. */
  fold: number;
}

/** The outcome of a batch. */
export interface BatchAddition {
  /** The new counts of its songs, in the order of the batch. */
  counts: Float64Array;
  /** The newest fold that was sealed before the batch; 0 if none. */
  fold: number;
}

/** A sealed fold that is not acknowledged. */
export interface SealedFold {
  /** Number of the fold. */
  fold: number;
  /** Name of its job; empty if it was sealed without one. */
  label: string;
  /** When it was sealed, in milliseconds since 1970; `undefined` if unknown. */
  sealedAt: number | undefined;
}

/** Figures of folds. Times are in milliseconds since 1970, and `undefined` if unknown. */
export interface FoldFigures {
  /** Folds that are sealed and not acknowledged. */
  folds: number;
  /** When the oldest of them was sealed. */
  oldestSealedAt?: number | undefined;
  /** When the newest fold was sealed, whether it is acknowledged or not. */
  lastSealedAt?: number | undefined;
  /** When a fold was last acknowledged. */
  lastAcknowledgedAt?: number | undefined;
}

/** Figures for the operator. Reading them visits no songs. */
export interface StoreFigures extends FoldFigures {
  /**
   * Songs that count against `maxSongs`: those of all folds that are not acknowledged, and of the open one,
   * each once.
   */
  songs: number;
  /** Bytes of memory that the store has allocated; absent if its memory is elsewhere. */
  bytes?: number;
  /** Limit of `bytes`. */
  maxBytes?: number;
}

/** Limits of every store: the settings of the same names, with the same defaults. */
export interface StoreOptions extends GivenSettings<"maxSongs" | "maxIdBytes" | "maxFolds" | "maxWriters"> {}

/**
 * Keeps the counts. A method returns its value or a promise of it, depending on the store.
 *
 * - An id is any string without lone surrogates. A method that takes an id refuses one of more than
 *   `maxIdBytes` bytes with a {@linkcode Refusal}: `too long`.
 * - A fold is a whole number from 1 to 2^53 − 1. Plays are added to the open fold until it is sealed.
 * - A {@linkcode Refusal}, or a RangeError for plays, a fold or a label, says that nothing has changed.
 * - Every call is atomic, except `getAll`, `entries`, `top` and `fold`, which say what they guarantee.
 */
export interface CountStore {
  /** Longest id, in bytes of UTF-8: 1 to 4096. */
  readonly maxIdBytes: number;

  /** The key of the hash that finds songs, if there is one: batches are hashed with it. @internal */
  readonly hashKey?: HashKey | undefined;

  /** The reason why the store cannot count at present; `undefined` or absent if it can. */
  readonly unavailableBecause?: string | undefined;

  /**
   * A name of the present state, of `A-Z a-z 0-9 -`. It differs after every change, is never used twice, and
   * differs from that of every other store. Reading it visits no songs, but may read every shard over a
   * network.
   */
  readonly version: Awaitable<string>;

  /**
   * The newest sealed fold; 0 if none. A store that others change too knows it as of its last reply, which
   * includes that of `get`, `version` and `folds`.
   */
  readonly newestFold: number;

  /**
   * Returns the plays of `id` in the open fold and in the sealed folds that are not acknowledged; 0 for an
   * unknown song. With `after`, returns its plays in the open fold and all folds above `after`, acknowledged
   * or not.
   *
   * @throws {Refusal} `gone` if a fold above `after` was dropped.
   */
  get(id: string, after?: number): Awaitable<number>;

  /** Returns what `get` returns for several songs, in their order, each at an instant of its own. */
  getAll(ids: readonly string[], after?: number): Awaitable<number[]>;

  /**
   * Adds `plays`, a whole number from 0 to 2^53 − 1, to the open fold, and returns the new count, as `get`
   * counts. Adding 0 does not register the song.
   *
   * With `key` it is idempotent: if the writer's last request had the same `seq`, `id` and `plays`, it
   * returns the answer of then, and changes nothing. A refused request is not kept, so its key may be sent
   * again.
   *
   * @throws {Refusal} `overflow` if the plays of all folds that are not dropped would exceed 2^53 − 1; `full`
   * for a new song if the store has `maxSongs` songs or memory is used up; `stale key` if the writer's last
   * request had a higher `seq`; `key reused` if it had the same `seq` and differed.
   */
  add(id: string, plays: number, key?: RequestKey): Awaitable<Addition>;

  /**
   * Adds to several songs, all or none, as {@linkcode add} does to one. With `key` it is idempotent. A retry
   * is not counted twice; a store that does not keep the answer returns the current counts.
   *
   * @throws {Refusal} as `add` does, if one of the songs would be refused.
   */
  addAll(plays: SongPlays, key?: RequestKey): Awaitable<BatchAddition>;

  /**
   * Lists every song with a count of 1 or more, as `get` counts, in chunks and in no particular order. Each
   * chunk is read at one instant. Plays that arrive between two chunks may or may not be included. No song is
   * listed twice.
   *
   * @throws {Refusal} `gone` as `get` does.
   */
  entries(after?: number): Iterable<Chunk> | AsyncIterable<Chunk>;

  /**
   * Returns the `n` songs, 1 or more, with the highest counts, highest first, ties by id in ascending
   * code-unit order. A store may read its songs in several steps: each count is that of its step.
   *
   * @throws {Refusal} `gone` as `get` does.
   */
  top(n: number, after?: number): Awaitable<Entry[]>;

  /**
   * Seals the open fold under the number `fold`, which is above every earlier one, and opens another. No
   * count changes. Returns false, and changes nothing, if the fold is sealed already.
   *
   * `label`, at most {@linkcode MAX_LABEL_LENGTH} printable ASCII characters, says whose the fold is.
   * Default: empty.
   *
   * @throws {Refusal} `out of order` if `fold` is not above the newest one; `too many folds` if `maxFolds`
   * folds are not acknowledged, or if the memory of dropped folds is still being freed; `other label` if it
   * is sealed with another label.
   */
  seal(fold: number, label?: string): Awaitable<boolean>;

  /** Returns the sealed folds that are not acknowledged, in ascending order. */
  folds(): Awaitable<SealedFold[]>;

  /**
   * Lists the songs of a sealed fold, each with its plays in that fold, in chunks and always in the same
   * order. To be read to the end before the fold is dropped.
   *
   * @throws {Refusal} `unknown fold` if it was never sealed; `gone` if it was dropped.
   */
  fold(fold: number): Iterable<Chunk> | AsyncIterable<Chunk>;

  /**
   * Acknowledges the oldest fold: counts without `after` no longer include it. It is kept for `after` until
   * the next fold is acknowledged, and dropped then. Changes nothing if `fold` is acknowledged already.
   *
   * @throws {Refusal} `unknown fold` if it was never sealed; `out of order` if an older one is not
   * acknowledged; `other label` if `label` is given, and that of the fold differs.
   */
  acknowledge(fold: number, label?: string): Awaitable<void>;

  /**
   * Forgets every song and every fold, and returns true. The last requests of writers are kept.
   *
   * `unless` is called first, with the version in force at that instant. If it returns true, nothing is
   * forgotten, and the method returns false.
   *
   * @throws {Refusal} `unsupported` with `unless`, if the store has several servers.
   */
  clear(unless?: (version: string) => boolean): Awaitable<boolean>;

  /** Returns the store's figures for the operator. */
  figures(): Awaitable<StoreFigures>;
}

const utf8 = new TextEncoder();

/** Returns true if an id has more than `maxBytes` bytes of UTF-8; a code unit has at most 3. */
export function isTooLong(id: string, maxBytes: number): boolean {
  return id.length * 3 > maxBytes && utf8.encode(id).length > maxBytes;
}

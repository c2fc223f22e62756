import type { Awaitable } from "../async.ts";
import type { Settings } from "../settings/settings.ts";
import type { RequestKey } from "./request-key.ts";

/** A song and its plays, a whole number from 0 to 2^53 − 1. */
export type Entry = readonly [id: string, count: number];

/** The largest count there is: 2^53 − 1, the last whole number a JSON reader is sure to keep exact. */
export const MAX_COUNT: number = Number.MAX_SAFE_INTEGER;

/** Some of the songs; good until the next chunk is asked for. */
export interface Chunk extends Iterable<Entry> {
  /** Calls `visit` with each song, its id being the bytes from `start` to before `end`, in UTF-8: what needs no string. */
  eachUtf8?(visit: (bytes: Uint8Array, start: number, end: number, count: number) => void): void;
}

/** What an addition came to: the song's new count, and the newest fold that was sealed before it; 0 if none was. */
export interface Addition {
  count: number;
  fold: number;
}

/** What a batch came to: the new counts of its songs, in its order, and the newest fold that was sealed before it. */
export interface BatchAddition {
  counts: Float64Array;
  fold: number;
}

/** How a store is; none of it costs a walk over the songs. */
export interface StoreFigures {
  /** Songs that take room, of the fold that is kept included. */
  songs: number;
  /** Plays that were counted since the store was made, by all of its threads. */
  plays: number;
  /** Folds that are sealed and not acknowledged. */
  folds: number;
  /** Memory that it holds; `undefined` where that is not known. */
  bytes: number | undefined;
}

/** Limits of every store: the settings of the same names, with the same defaults. */
export interface StoreOptions extends Partial<
  Pick<Settings, "maxSongs" | "maxIdBytes" | "maxFolds" | "maxWriters">
> {}

/**
 * Where the counts are kept. Every method gives a value or a promise, as suits the store.
 *
 * Ids are any strings without lone surrogates, and every method that takes one refuses it as `too long` past
 * `maxIdBytes`. Each call happens at one instant, but for `entries` and `top`, which say what they guarantee.
 */
export interface CountStore {
  /** Longest id, in bytes of UTF-8. */
  readonly maxIdBytes: number;

  /** Why it cannot count for now; `undefined`, or not there at all, if it can. */
  readonly unavailableBecause?: string | undefined;

  /**
   * Names the present state: another string after every change, never the same one twice, and not that of
   * any other store. Made of `A-Z a-z 0-9 -` alone. Costs no walk over the songs.
   */
  readonly version: Awaitable<string>;

  /**
   * The plays of `id` in the open fold and those that are not acknowledged, or with `after` in all that are newer than
   * that; 0 for a song that has none, which asking does not register.
   *
   * @throws {Refusal} `gone` if a fold newer than `after` has been dropped.
   */
  get(id: string, after?: number): Awaitable<number>;

  /**
   * Adds `plays`, a whole number from 0 to 2^53 − 1, to the open fold, and gives the count that `get` would. Adding 0
   * registers nothing.
   *
   * @throws {Refusal} `overflow` if the count, with the fold that is kept, would pass 2^53 − 1, `full` for a new song
   * past the last one there is room for; neither changes anything.
   *
   * With a `key` it gives to the same request again, while it is the last one of its writer, what it gave before, and
   * changes nothing. What was refused may be sent again as if for the first time.
   *
   * @throws {Refusal} `stale key` if the writer's last request has a higher `seq`, `key reused` if the same `seq` was
   * that of another request.
   */
  add(id: string, plays: number, key?: RequestKey): Awaitable<Addition>;

  /**
   * Adds to several songs at one instant, to each what `add` would; all of it or nothing. With a `key` as `add`; of an
   * answer that had very many songs, when it is no longer kept, the counts are those of now.
   *
   * @throws {Refusal} as `add` does, if it would for one of them.
   */
  addAll(plays: ReadonlyMap<string, number>, key?: RequestKey): Awaitable<BatchAddition>;

  /**
   * Every song with a count, as `get` has it, in chunks and no particular order. Each chunk is read at one instant; the
   * next one may be later, so plays that arrive meanwhile may or may not be in. A song is never given twice.
   */
  entries(after?: number): Iterable<Chunk> | AsyncIterable<Chunk>;

  /**
   * The `n` songs, 1 or more, with the highest counts, highest first, ties by id in ascending code-unit order.
   * Read as `entries` is: where that takes several steps, each song's count is that of the step it was read in.
   */
  top(n: number, after?: number): Awaitable<Entry[]>;

  /**
   * Seals all that was counted since the last fold, at one instant, under a number above that of every other fold.
   * Gives false, and does nothing, if the fold is there already.
   *
   * @throws {Refusal} `out of order` for a number that is neither, `too many folds` past `maxFolds`.
   */
  seal(fold: number): Awaitable<boolean>;

  /** The folds that are not acknowledged, in ascending order. */
  folds(): Awaitable<number[]>;

  /**
   * What is in a fold, always in the same order. Has to be read to its end before the fold is dropped.
   *
   * @throws {Refusal} `unknown fold`, or `gone` if it was dropped.
   */
  fold(fold: number): Iterable<Chunk> | AsyncIterable<Chunk>;

  /**
   * Acknowledges a fold: no count has its plays any more. It is kept, for `after`, until the next one is acknowledged,
   * and dropped then. To acknowledge again one that is, or an older one, does nothing.
   *
   * @throws {Refusal} `unknown fold`, or `out of order` while an older one is not acknowledged.
   */
  acknowledge(fold: number): Awaitable<void>;

  /**
   * Forgets every song and every fold, as if there had been none, and gives true; what was answered to writers is
   * still known. With `unless`, that is asked first, about the version in force at
   * that instant: if it gives true, nothing is forgotten and the answer is false.
   */
  clear(unless?: (version: string) => boolean): Awaitable<boolean>;

  /** How the store is now, for whoever operates it. */
  figures(): Awaitable<StoreFigures>;
}

const utf8 = new TextEncoder();

/** Whether an id takes more than `maxBytes` of UTF-8. Most need no counting: a code unit is three bytes at the most. */
export function isTooLong(id: string, maxBytes: number): boolean {
  return id.length * 3 > maxBytes && utf8.encode(id).length > maxBytes;
}

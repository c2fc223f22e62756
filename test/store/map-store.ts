import { checkSetting } from "../../src/settings/settings.ts";
import {
  type Addition,
  type BatchAddition,
  type CountStore,
  type Entry,
  type SealedFold,
  isTooLong,
  MAX_COUNT,
  type StoreFigures,
  type StoreOptions,
} from "../../src/store/count-store.ts";
import { checkFold, checkPlays } from "../../src/store/arguments.ts";
import { topOf } from "./top-of.ts";
import { Refusal } from "../../src/store/refusal.ts";
import type { RequestKey } from "../../src/store/request-key.ts";

interface Fold {
  number: number;
  label: string;
  sealedAt: number;
  counts: ReadonlyMap<string, number>;
}

interface Answered {
  seq: number;
  fingerprint: string;
  addition: BatchAddition;
}

/**
 * Counts in plain `Map`s: the simplest store, and the oracle with which the others are compared.
 *
 * Not for many songs: a song takes over 200 bytes, and a growing map of millions stops the program for half a
 * second.
 */
export class MapStore implements CountStore {
  readonly maxIdBytes: number;
  readonly #maxSongs: number;
  readonly #maxFolds: number;
  readonly #maxWriters: number;
  readonly #name: string = crypto.randomUUID();
  #changes = 0;
  #open = new Map<string, number>();
  /** The songs of all sets except the kept fold. */
  #songs = new Set<string>();
  #folds: Fold[] = [];
  #kept: Fold | undefined;
  #dropped = 0;
  /** The last request of each writer, the least recently used first. */
  readonly #answered = new Map<string, Answered>();

  /** @throws {RangeError} if a limit is out of range. */
  constructor({ maxSongs, maxIdBytes, maxFolds, maxWriters }: StoreOptions = {}) {
    this.#maxSongs = checkSetting("maxSongs", maxSongs);
    this.maxIdBytes = checkSetting("maxIdBytes", maxIdBytes);
    this.#maxFolds = checkSetting("maxFolds", maxFolds);
    this.#maxWriters = checkSetting("maxWriters", maxWriters);
  }

  get version(): string {
    return `${this.#name}-${this.#changes}`;
  }

  get newestFold(): number {
    return this.#folds.at(-1)?.number ?? this.#kept?.number ?? 0;
  }

  get(id: string, after?: number): number {
    if (isTooLong(id, this.maxIdBytes)) throw Refusal.tooLong(this.maxIdBytes);
    return sum(this.#sets(after), id);
  }

  add(id: string, plays: number, key?: RequestKey): Addition {
    checkPlays(plays);
    if (key !== undefined) {
      const { counts, fold } = this.#once("song", new Map([[id, plays]]), key);
      return { count: counts[0] as number, fold };
    }
    const count = this.get(id);
    const fold = this.newestFold;
    if (plays === 0) return { count, fold };
    this.#checkSum(id, plays);
    if (!this.#songs.has(id) && this.#songs.size >= this.#maxSongs) throw Refusal.full(this.#maxSongs);
    this.#songs.add(id);
    this.#open.set(id, (this.#open.get(id) ?? 0) + plays);
    this.#changes++;
    return { count: count + plays, fold };
  }

  getAll(ids: readonly string[], after?: number): number[] {
    return ids.map((id) => this.get(id, after));
  }

  addAll(plays: ReadonlyMap<string, number>, key?: RequestKey): BatchAddition {
    for (const each of plays.values()) checkPlays(each);
    if (key !== undefined) return this.#once("batch", plays, key);
    const songs = new Set(this.#songs);
    for (const id of plays.keys()) this.get(id); // refuses those that are too long
    for (const [id, more] of plays) {
      this.#checkSum(id, more);
      if (more > 0) songs.add(id);
    }
    if (songs.size > this.#maxSongs && songs.size > this.#songs.size) throw Refusal.full(this.#maxSongs);
    const counts = Float64Array.from(plays, ([id, more]) => this.add(id, more).count);
    return { counts, fold: this.add("", 0).fold };
  }

  /** Yields all songs in one chunk. */
  *entries(after?: number): Generator<Iterable<Entry>> {
    yield this.#total(after);
  }

  top(n: number, after?: number): Entry[] {
    return topOf([this.#total(after)], n);
  }

  seal(fold: number, label: string = ""): boolean {
    checkFold(fold, label);
    const same = [this.#kept, ...this.#folds].find((sealed) => sealed?.number === fold);
    if (same !== undefined && same.label !== label) throw Refusal.otherLabel(fold, same.label);
    if (same !== undefined) return false;
    if (fold <= this.newestFold) throw Refusal.belowNewest(fold, this.newestFold);
    if (this.#folds.length >= this.#maxFolds) throw Refusal.tooManyFolds(this.#maxFolds);
    this.#folds.push({ number: fold, label, sealedAt: Date.now(), counts: this.#open });
    this.#open = new Map();
    this.#changes++;
    return true;
  }

  folds(): SealedFold[] {
    return this.#folds.map(({ number, label, sealedAt }) => ({ fold: number, label, sealedAt }));
  }

  fold(fold: number): Iterable<Iterable<Entry>> {
    const found = [this.#kept, ...this.#folds].find((sealed) => sealed?.number === fold);
    if (found !== undefined) return [[...found.counts]];
    throw fold <= this.#dropped ? Refusal.dropped(this.#dropped) : Refusal.unknownFold(fold);
  }

  acknowledge(fold: number, label?: string): void {
    if (fold <= (this.#kept?.number ?? 0)) return;
    const [oldest] = this.#folds;
    const found = this.#folds.find(({ number }) => number === fold);
    if (oldest === undefined || found === undefined) throw Refusal.unknownFold(fold);
    if (label !== undefined && found.label !== label) throw Refusal.otherLabel(fold, found.label);
    if (oldest.number !== fold) throw Refusal.olderFirst(fold, oldest.number);
    this.#dropped = this.#kept?.number ?? 0;
    this.#kept = this.#folds.shift();
    this.#songs = songsOf(this.#sets(undefined));
    this.#changes++;
  }

  clear(unless?: (version: string) => boolean): boolean {
    if (unless?.(this.version)) return false;
    this.#open = new Map();
    this.#songs = new Set();
    this.#folds = [];
    this.#kept = undefined;
    this.#dropped = 0;
    this.#changes++;
    return true;
  }

  figures(): StoreFigures {
    return { songs: this.#songs.size, folds: this.#folds.length };
  }

  #once(kind: string, plays: ReadonlyMap<string, number>, { writer, seq }: RequestKey): BatchAddition {
    for (const id of plays.keys()) this.get(id); // refuses those that are too long
    const fingerprint = JSON.stringify([kind, ...plays]);
    const last = this.#answered.get(writer);
    if (last !== undefined && seq < last.seq) throw Refusal.staleKey(seq, last.seq);
    if (last?.seq === seq && last.fingerprint !== fingerprint) throw Refusal.keyReused(seq);
    const addition = last?.seq === seq ? last.addition : this.addAll(plays);
    this.#answered.delete(writer);
    this.#answered.set(writer, { seq, fingerprint, addition });
    const [oldest = ""] = this.#answered.keys();
    if (this.#answered.size > this.#maxWriters) this.#answered.delete(oldest);
    return addition;
  }

  /** Counts with an older `after` include the fold that is kept, and have to be exact too. */
  #checkSum(id: string, plays: number): void {
    const count = this.get(id);
    const kept = this.#kept?.counts.get(id) ?? 0;
    if (plays > MAX_COUNT - kept - count) throw Refusal.overflow(count, plays, kept);
  }

  #total(after: number | undefined): Entry[] {
    const sets = this.#sets(after);
    return Array.from(songsOf(sets), (id): Entry => [id, sum(sets, id)]);
  }

  #sets(after: number | undefined): ReadonlyMap<string, number>[] {
    if (after !== undefined && after < this.#dropped) throw Refusal.dropped(this.#dropped);
    const folds =
      this.#kept === undefined || after === undefined ? this.#folds : [this.#kept, ...this.#folds];
    return [...folds.filter(({ number }) => number > (after ?? 0)).map(({ counts }) => counts), this.#open];
  }
}

function songsOf(sets: readonly ReadonlyMap<string, number>[]): Set<string> {
  return new Set(sets.flatMap((set) => [...set.keys()]));
}

function sum(sets: readonly ReadonlyMap<string, number>[], id: string): number {
  return sets.reduce((total, set) => total + (set.get(id) ?? 0), 0);
}

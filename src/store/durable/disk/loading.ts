import type { DatabaseSync } from "node:sqlite";
import { CommitStore, type KeptRequest } from "../../memory/commit-store.ts";
import type { ShardedStoreOptions, StoreHandle } from "../../memory/store-handle.ts";
import type { PackedBatch } from "../../packed-batch.ts";
import { Refusal, type RefusalReason } from "../../refusal.ts";
import { checkDatabase, damaged } from "./checks.ts";
import { DataError } from "./data-error.ts";
import { type Digest, digestOf } from "./digest.ts";
import { type FoldRow, readKey, readPlays } from "./schema.ts";
import { readParts } from "./song-parts.ts";
import { numberOf, readUnchanged } from "./sqlite.ts";

/** Appends songs to the open set of a store, in another thread. */
export interface SongAppender {
  /** Says which store. */
  begin(store: StoreHandle): void;
  /** Begins to append songs, and takes their arrays away. @throws {Refusal} if earlier ones were refused. */
  append(songs: PackedBatch): void;
  /** Begins to measure songs, likewise. If all of a fold were, they take as little memory as possible. */
  measure(songs: PackedBatch): void;
  /** Waits for all songs that are under way, and forgets them: they were refused, or another was. */
  abandon(): void;
  /** Waits for all songs, and returns the sum over those since the last call. @throws {Refusal} */
  finish(): Digest;
}

/**
 * Reads a database into a new store, and leaves the file unchanged. `recordedCommit` is the number of a
 * commit that is known to be durable; `undefined` if that is not known.
 *
 * @throws {DataError} if anything in the file differs from what was written, or does not fit into memory.
 */
export function load(
  file: string,
  recordedCommit: number | undefined,
  options: ShardedStoreOptions,
  appender: SongAppender,
): CommitStore {
  return readUnchanged(file, (sqlite) => {
    checkDatabase(sqlite, recordedCommit);
    const store = new CommitStore(options, readKey(sqlite));
    const loading = new Loading(sqlite, store, appender);
    appender.begin(store.handle);
    try {
      loading.folds();
      loading.writers();
    } catch (error) {
      throw describe(error);
    }
    return store;
  });
}

/** Fills a store from a database. */
class Loading {
  readonly #sqlite: DatabaseSync;
  readonly #store: CommitStore;
  readonly #appender: SongAppender;
  #isTight = false;

  constructor(sqlite: DatabaseSync, store: CommitStore, appender: SongAppender) {
    this.#sqlite = sqlite;
    this.#store = store;
    this.#appender = appender;
  }

  /**
   * Loads all folds. If they do not fit into memory, loads them again, and measures them before: blocks that
   * are half empty may take more memory than those of a store that has filled up slowly.
   */
  folds(): void {
    try {
      this.#folds();
    } catch (error) {
      if (!(error instanceof Refusal && flagOf(error) === "--max-store-bytes")) throw error;
      this.#appender.abandon();
      this.#store.clear();
      this.#isTight = true;
      this.#folds();
    }
  }

  /** Loads all folds and their songs, oldest fold first. */
  #folds(): void {
    const dropped = numberOf(this.#sqlite, "SELECT dropped FROM state");
    if (dropped > 0) {
      this.#store.seal(dropped);
      this.#store.acknowledge(dropped);
    }
    const rows = this.#sqlite
      .prepare("SELECT * FROM fold WHERE state != 'dropped' ORDER BY id")
      .all() as unknown as FoldRow[];
    if (rows.filter(({ state }) => state === "open").length !== 1)
      throw damaged("it needs exactly one open fold");
    for (const row of rows) {
      // The songs of the acknowledged fold do not count.
      this.#store.maxSongs = row.state === "kept" ? Infinity : this.#store.handle.maxSongs;
      this.#songs(row);
      this.#commits(row);
      if (row.number === null) continue;
      this.#store.seal(row.number, row.label, row.sealed_at ?? 0);
      if (row.state === "kept")
        this.#store.acknowledge(row.number, undefined, row.acknowledged_at ?? undefined);
    }
  }

  /** Loads the last request of each writer, the least recently used writer first. */
  writers(): void {
    let [writers, sum] = [0, 0];
    // The plus avoids the index: if that is damaged, rows that it does not lead to would be missing
    // unnoticed.
    const rows = this.#sqlite.prepare("SELECT name, last, used, digest FROM writer ORDER BY +used").iterate();
    for (const { name, last, used, digest } of rows as unknown as Iterable<{
      name: string;
      last: string;
      used: number;
      digest: number;
    }>) {
      if (digestOf(name, last, used) !== digest) throw damaged(`writer ${name}`);
      writers++;
      sum += digest;
      this.#store.remember({ writer: name, ...(JSON.parse(last) as Omit<KeptRequest, "writer">) });
    }
    const kept = this.#sqlite.prepare("SELECT writers, writer_sum AS sum FROM state").get();
    if (kept?.["writers"] !== writers || kept["sum"] !== sum) throw damaged("a writer is missing");
    for (const { keys } of this.#sqlite
      .prepare("SELECT keys FROM commits WHERE keys != '' ORDER BY number")
      .iterate()) {
      for (const request of JSON.parse(String(keys)) as KeptRequest[]) this.#store.remember(request);
    }
  }

  #songs({ id: fold, plays, digest }: FoldRow): void {
    const read = () => readParts(this.#sqlite, fold, this.#store.handle);
    if (this.#isTight) for (const songs of read()) this.#appender.measure(songs);
    for (const songs of read()) this.#appender.append(songs);
    const sum = this.#appender.finish();
    if (sum.plays !== plays || sum.digest !== digest)
      throw damaged("the songs do not match the digest of their fold");
    this.#store.index();
  }

  #commits({ id: fold }: FoldRow): void {
    const rows = this.#sqlite
      .prepare("SELECT plays FROM commits WHERE fold = ? ORDER BY number")
      .iterate(fold);
    for (const row of rows)
      for (const [id, plays] of readPlays(String(row["plays"]))) this.#store.add(id, plays);
  }
}

/** The limits that may be smaller than the counts. */
const FLAGS: Partial<Record<RefusalReason, string>> = {
  "too long": "--max-id-bytes",
  "too many folds": "--max-folds",
  full: "--max-store-bytes",
};

function flagOf({ reason, members }: Refusal): string | undefined {
  return members["maxSongs"] === undefined ? FLAGS[reason] : "--max-songs";
}

/** Describes an error of the store. */
function describe(error: unknown): unknown {
  if (!(error instanceof Refusal)) return error;
  const flag = flagOf(error);
  if (flag === undefined) return damaged(error.message);
  return new DataError(`its counts need greater limits: ${error.message}. Raise ${flag}`, { cause: error });
}

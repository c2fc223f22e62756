import { SETTINGS } from "../../../settings/settings.ts";
import { DataError } from "./data-error.ts";
import type { KeptRequest } from "../../memory/commit-store.ts";
import { PackedPlays } from "../../packed-plays.ts";
import { type Database, PAGE_BYTES } from "./database.ts";
import { addTo, digestOf } from "./digest.ts";
import { type CommitRow, type FoldRow, readPlays, signState } from "./schema.ts";
import { escapeId } from "./id-column.ts";
import { numberOf } from "./sqlite.ts";

/** Limits of a step, which takes a few milliseconds. */
const STEP_SONGS = 250;
const STEP_ROWS = 1000;
const STEP_DROPPED = 1000;

/**
 * Backlog that waits for an idle moment: commits, bytes of the log, and dropped folds, as each change of
 * folds reads the rows of all folds.
 */
const MAX_COMMITS = 500;
const MAX_LOG_BYTES = 8 * 1024 * 1024;
const MAX_DROPPED = 32;

type UndigestedRow = Omit<CommitRow, "digest">;

/**
 * Moves the plays of commits into the table of songs, and deletes the songs of dropped folds, in small steps.
 */
export class Compaction {
  readonly #database: Database;
  readonly #maxWriters: number;
  #compacted: number;
  #isDropping = false;

  /** Keeps the last requests of `maxWriters` writers, and at most a tenth more. */
  constructor(database: Database, maxWriters: number) {
    this.#database = database;
    this.#maxWriters = maxWriters;
    this.#compacted = numberOf(database.sqlite, "SELECT last_commit FROM state");
  }

  /** Commits that are not compacted. */
  get #waiting(): number {
    return this.#database.lastCommit - this.#compacted;
  }

  /** True if the backlog is too long to wait for an idle moment. */
  get isOverdue(): boolean {
    const { logBytes, droppedFolds } = this.#database;
    return this.#waiting > MAX_COMMITS || logBytes > MAX_LOG_BYTES || droppedFolds > MAX_DROPPED;
  }

  /** True if the backlog is so long that commits have to wait for it. */
  get isBlocking(): boolean {
    return this.#waiting > MAX_COMMITS * 4;
  }

  get isDone(): boolean {
    const { logBytes, droppedFolds } = this.#database;
    return this.#waiting === 0 && droppedFolds === 0 && logBytes === 0;
  }

  /** True if the plays of all commits are in the table of songs. */
  get isCompacted(): boolean {
    return this.#waiting === 0;
  }

  /** Does a step: one transaction or one checkpoint. */
  step(): void {
    const hasDropped = this.#database.droppedFolds > 0;
    this.#isDropping = hasDropped && !(this.#isDropping && this.#waiting > 0); // in turns with commits
    if (this.#database.logBytes > MAX_LOG_BYTES) this.#database.checkpoint();
    else if (this.#isDropping) this.#deleteSome();
    else if (this.#waiting > 0) this.#compactSome();
    else this.#database.checkpoint();
  }

  #compactSome(): void {
    const database = this.#database;
    const { sqlite } = database;
    const { rows, folds } = this.#readOldest();
    const last = (rows.at(-1) as UndigestedRow).number;
    database.transactLazily(() => {
      const add = sqlite.prepare(
        "INSERT INTO song VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET plays = plays + ?3",
      );
      for (const [fold, songs] of folds) {
        const sum = sqlite
          .prepare("SELECT state, plays, digest FROM fold WHERE id = ?")
          .get(fold) as unknown as Pick<FoldRow, "state" | "plays" | "digest"> | undefined;
        if (sum === undefined) throw new DataError(`fold ${fold} is missing`);
        if (sum.state === "dropped") continue;
        for (const [id, plays] of songs) add.run(fold, escapeId(id), plays);
        addTo(sum, songs);
        // At most: each song in a page of its own, limited by the pages of the file.
        database.logBytes += Math.min(songs.size, numberOf(sqlite, "PRAGMA page_count")) * PAGE_BYTES;
        sqlite.prepare("UPDATE fold SET plays = ?, digest = ? WHERE id = ?").run(sum.plays, sum.digest, fold);
      }
      this.#keepRequests(rows);
      sqlite.prepare("DELETE FROM commits WHERE number <= ?").run(last);
      sqlite.prepare("UPDATE state SET last_commit = ?").run(last);
      signState(sqlite);
    });
    this.#compacted = last;
  }

  /** Reads the oldest commits, as many as make a step, and sums their plays by fold. */
  #readOldest(): { rows: UndigestedRow[]; folds: Map<number, PackedPlays> } {
    const oldest = this.#database.sqlite
      .prepare("SELECT number, fold, plays, keys FROM commits ORDER BY number LIMIT ?")
      .iterate(STEP_ROWS) as unknown as Iterable<UndigestedRow>;
    const rows: UndigestedRow[] = [];
    const folds = new Map<number, PackedPlays>();
    let count = 0;
    for (const row of oldest) {
      rows.push(row);
      const songs = folds.get(row.fold) ?? new PackedPlays({ maxIdBytes: SETTINGS.maxIdBytes.max });
      folds.set(row.fold, songs);
      count -= songs.size;
      for (const [id, plays] of readPlays(row.plays)) songs.add(id, 0, id.length, plays);
      count += songs.size;
      if (count >= STEP_SONGS) break;
    }
    return { rows, folds };
  }

  #keepRequests(rows: readonly UndigestedRow[]): void {
    const { sqlite } = this.#database;
    const find = sqlite.prepare("SELECT digest FROM writer WHERE name = ?");
    const keep = sqlite.prepare("INSERT OR REPLACE INTO writer VALUES (?, ?, ?, ?)");
    let [more, sum] = [0, 0];
    for (const { number, keys } of rows) {
      if (keys === "") continue;
      for (const { writer, ...request } of JSON.parse(keys) as KeptRequest[]) {
        const last = JSON.stringify(request);
        const digest = digestOf(writer, last, number);
        const before = find.get(writer);
        more += before === undefined ? 1 : 0;
        sum += digest - Number(before?.["digest"] ?? 0);
        keep.run(writer, last, number, digest);
      }
    }
    sqlite.prepare("UPDATE state SET writers = writers + ?, writer_sum = writer_sum + ?").run(more, sum);
    if (numberOf(sqlite, "SELECT writers FROM state") > this.#maxWriters * 1.1) this.#forgetWriters();
  }

  /** Deletes the least recently used writers. */
  #forgetWriters(): void {
    this.#database.sqlite
      .prepare(
        "DELETE FROM writer WHERE name IN (SELECT name FROM writer ORDER BY used DESC LIMIT -1 OFFSET ?)",
      )
      .run(this.#maxWriters);
    this.#database.sqlite.exec(`
      UPDATE state SET (writers, writer_sum) = (SELECT count(*), coalesce(sum(digest), 0) FROM writer)`);
  }

  /** Deletes songs of the oldest dropped fold, and then the fold. */
  #deleteSome(): void {
    const { sqlite } = this.#database;
    const fold = numberOf(sqlite, "SELECT min(id) FROM fold WHERE state = 'dropped'");
    const drop = sqlite.prepare(
      "DELETE FROM song WHERE fold = ?1 AND id IN (SELECT id FROM song WHERE fold = ?1 LIMIT ?2)",
    );
    let isDeleted = false;
    this.#database.transactLazily(() => {
      const { changes } = drop.run(fold, STEP_DROPPED);
      if (Number(changes) === STEP_DROPPED) return;
      // Commits that are not compacted may still name it.
      if (numberOf(sqlite, "SELECT count(*) FROM commits WHERE fold = ?", fold) > 0) return;
      sqlite.prepare("DELETE FROM fold WHERE id = ?").run(fold);
      signState(sqlite);
      isDeleted = true;
    });
    if (isDeleted) this.#database.droppedFolds--;
    this.#database.logBytes += STEP_DROPPED * 100;
  }
}

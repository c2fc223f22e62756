import { statSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Entry, SealedFold } from "../../count-store.ts";
import type { KeptRequest } from "../../memory/commit-store.ts";
import type { HashKey } from "../../../hash.ts";
import { digestOf } from "./digest.ts";
import { lastCommit, signState, upgrade, writePlays } from "./schema.ts";
import { numberOf, openExclusively } from "./sqlite.ts";

/** SQLite's default. */
export const PAGE_BYTES = 4096;

/** Songs of a row of `commits`. A larger commit has several rows. */
const ROW_SONGS = 1000;

/** Bytes that a disk needs to be no longer full, if the last commit was not larger. */
const MIN_FREE_BYTES = 1024 * 1024;

/**
 * The SQLite file with all counts. A method that changes counts is one transaction, and returns after the
 * sync.
 */
export class Database {
  readonly sqlite: DatabaseSync;
  /** The number of the newest commit. */
  lastCommit: number;
  /** Bytes in the log since the last checkpoint, estimated. */
  logBytes: number;
  /** The id of the open fold. */
  openFold: number;
  /** Dropped folds of which rows remain. */
  droppedFolds: number;
  /** Bytes of the last commit, estimated, whether it succeeded or not. */
  #commitBytes = 0;
  readonly #insert: StatementSync;

  /**
   * Opens a file, and upgrades one of an older format, which gets `key`.
   *
   * @throws {DataError} if another process has the file.
   */
  constructor(file: string, key: HashKey) {
    this.sqlite = openExclusively(file);
    this.sqlite.exec("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0");
    this.transact(() => upgrade(this.sqlite, key));
    this.#insert = this.sqlite.prepare("INSERT INTO commits VALUES (?, ?, ?, ?, ?)");
    this.lastCommit = lastCommit(this.sqlite);
    this.logBytes = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    this.openFold = this.#readOpenFold();
    this.droppedFolds = this.#readDroppedFolds();
  }

  /** Makes plays and keyed requests durable. */
  commit(plays: readonly Entry[], keys: readonly KeptRequest[]): void {
    this.#commitBytes = 0;
    if (plays.length <= ROW_SONGS) {
      this.#insertRow(plays, keys);
      this.lastCommit++;
      return;
    }
    const rows = Array.from({ length: Math.ceil(plays.length / ROW_SONGS) }, (_, row) => row * ROW_SONGS);
    this.transact(() => {
      for (const [row, start] of rows.entries())
        this.#insertRow(plays.slice(start, start + ROW_SONGS), row === 0 ? keys : [], row);
    });
    this.lastCommit += rows.length;
  }

  /** Seals the open fold. */
  seal({ fold, label, sealedAt }: SealedFold): void {
    this.#change(() => {
      this.sqlite
        .prepare("UPDATE fold SET number = ?, state = 'sealed', sealed_at = ?, label = ? WHERE id = ?")
        .run(fold, sealedAt ?? null, label, this.openFold);
      this.sqlite.exec("INSERT INTO fold (state) VALUES ('open')");
    });
  }

  /** Acknowledges the oldest sealed fold. `now`: in milliseconds since 1970. */
  acknowledge(number: number, now: number): void {
    this.#change(() => {
      this.sqlite.exec(`
        UPDATE state SET dropped = coalesce((SELECT number FROM fold WHERE state = 'kept'), dropped);
        UPDATE fold SET state = 'dropped', number = NULL WHERE state = 'kept'`);
      this.sqlite
        .prepare("UPDATE fold SET state = 'kept', acknowledged_at = ? WHERE number = ?")
        .run(now, number);
    });
  }

  /** Drops all songs and folds. */
  clear(): void {
    this.#change(() => {
      this.sqlite.exec(`
        UPDATE fold SET state = 'dropped', number = NULL WHERE state != 'dropped';
        INSERT INTO fold (state) VALUES ('open');
        UPDATE state SET dropped = 0`);
    });
  }

  /** Changes the folds, as a commit without plays. */
  #change(act: () => void): void {
    this.transact(() => {
      act();
      signState(this.sqlite);
      this.#insertRow([], []);
    });
    this.lastCommit++;
    this.openFold = this.#readOpenFold();
    this.droppedFolds = this.#readDroppedFolds();
  }

  #readOpenFold(): number {
    return numberOf(this.sqlite, "SELECT id FROM fold WHERE state = 'open'");
  }

  #readDroppedFolds(): number {
    return numberOf(this.sqlite, "SELECT count(*) FROM fold WHERE state = 'dropped'");
  }

  /** Calls `act` in a transaction, and rolls back if it throws. */
  transact(act: () => void): void {
    this.sqlite.exec("BEGIN IMMEDIATE");
    try {
      act();
      this.sqlite.exec("COMMIT");
    } catch (error) {
      if (this.sqlite.isTransaction) this.sqlite.exec("ROLLBACK");
      throw error;
    }
  }

  /** As {@linkcode transact}, without a sync: a power cut before the next commit may undo it. */
  transactLazily(act: () => void): void {
    this.sqlite.exec("PRAGMA synchronous = NORMAL");
    try {
      this.transact(act);
    } finally {
      this.sqlite.exec("PRAGMA synchronous = FULL");
    }
  }

  /**
   * Checks that the last commit, and one of a megabyte, would find space: writes as much into log and file.
   * Both keep that space for the next commits.
   *
   * @throws if the disk is still full.
   */
  probe(): void {
    const bytes = Math.max(MIN_FREE_BYTES, this.#commitBytes);
    this.checkpoint(); // starts the log over
    this.transact(() =>
      this.sqlite.exec(`
        DROP TABLE IF EXISTS probe; -- of a process that was killed here
        CREATE TABLE probe AS SELECT zeroblob(${bytes})`),
    );
    this.transactLazily(() => this.sqlite.exec("DROP TABLE probe"));
    this.checkpoint();
  }

  /** Moves the log into the file, and starts the log over. */
  checkpoint(): void {
    this.sqlite.exec("PRAGMA wal_checkpoint(PASSIVE)");
    this.logBytes = 0;
  }

  /** Moves the log into the file, and removes the log. */
  close(): void {
    try {
      this.sqlite.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } finally {
      this.sqlite.close();
    }
  }

  #insertRow(entries: readonly Entry[], keys: readonly KeptRequest[], row: number = 0): void {
    const [plays, kept] = [writePlays(entries), keys.length === 0 ? "" : JSON.stringify(keys)];
    const number = this.lastCommit + 1 + row;
    const bytes = PAGE_BYTES + plays.length + kept.length;
    this.#commitBytes += bytes;
    this.#insert.run(number, this.openFold, plays, kept, digestOf(number, this.openFold, plays, kept));
    this.logBytes += bytes;
  }
}

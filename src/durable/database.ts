import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Entry } from "../store/count-store.ts";
import type { Remembered } from "../store/request-key.ts";
import { DataError, reasonOf } from "./data-error.ts";
import { digestOf, FORMAT, tooNew, writePlays } from "./schema.ts";

/** As SQLite has it by default. */
export const PAGE_BYTES = 4096;

/** Songs of one row of `commits`; larger commits have several. */
const ROW_SONGS = 1000;

/** A request that had a key, as it is kept. */
export type KeptRequest = Remembered & { writer: string };

/** What one commit makes durable. */
export interface Commit {
  plays: ReadonlyMap<string, number>;
  keys: readonly KeptRequest[];
}

/** The SQLite file that all counts are kept in. Every method is one transaction, which is on the disk when it returns. */
export class Database {
  readonly sqlite: DatabaseSync;
  /** The number of the newest commit. */
  last = 0;
  /** What was written into the log since the last checkpoint, more or less. */
  logBytes = 0;
  /** The fold that is open, by its id. */
  open = 0;
  readonly #insert: StatementSync;

  /** @throws {DataError} if another process has the file, or it is of a newer program. */
  constructor(file: string) {
    this.sqlite = new DatabaseSync(file);
    this.#takeAlone();
    this.sqlite.exec("PRAGMA synchronous = FULL");
    const format = this.number("PRAGMA user_version"); // in the log beside the file it may be another
    if (format > FORMAT) throw tooNew(format);
    this.sqlite.exec("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    this.#insert = this.sqlite.prepare("INSERT INTO commits VALUES (?, ?, ?, ?, ?)");
    this.last = Math.max(
      this.number("SELECT last_commit FROM state"),
      this.number("SELECT coalesce(max(number), 0) FROM commits"),
    );
    this.open = this.number("SELECT id FROM fold WHERE state = 'open'");
  }

  /** The one number that a query gives. */
  number(sql: string, ...values: (number | string)[]): number {
    return Number(Object.values(this.sqlite.prepare(sql).get(...values) ?? {})[0] ?? Number.NaN);
  }

  /** Makes plays and keys durable. */
  commit({ plays, keys }: Commit): void {
    if (plays.size <= ROW_SONGS) {
      this.#insertRow([...plays], keys);
      this.last++;
      return;
    }
    const rows = Array.from({ length: Math.ceil(plays.size / ROW_SONGS) }, (_, row) => row * ROW_SONGS);
    const entries = [...plays];
    this.transact(() => {
      for (const [row, start] of rows.entries())
        this.#insertRow(entries.slice(start, start + ROW_SONGS), row === 0 ? keys : [], row);
    });
    this.last += rows.length;
  }

  /** Seals the open fold under a number. */
  seal(number: number): void {
    this.transact(() => {
      this.sqlite.prepare("UPDATE fold SET number = ?, state = 'sealed' WHERE id = ?").run(number, this.open);
      this.sqlite.exec("INSERT INTO fold (state) VALUES ('open')");
    });
    this.open = this.number("SELECT id FROM fold WHERE state = 'open'");
  }

  /** Acknowledges the oldest fold that is not. */
  acknowledge(number: number): void {
    this.transact(() => {
      this.sqlite.exec(`
        UPDATE state SET dropped = coalesce((SELECT number FROM fold WHERE state = 'kept'), dropped);
        UPDATE fold SET state = 'dropped', number = NULL WHERE state = 'kept'`);
      this.sqlite.prepare("UPDATE fold SET state = 'kept' WHERE number = ?").run(number);
    });
  }

  /** Forgets all songs and folds. */
  clear(): void {
    this.transact(() => {
      this.sqlite.exec(`
        UPDATE fold SET state = 'dropped', number = NULL;
        INSERT INTO fold (state) VALUES ('open');
        UPDATE state SET dropped = 0`);
    });
    this.open = this.number("SELECT id FROM fold WHERE state = 'open'");
  }

  /** Has all of `act` be done, or nothing if it throws. */
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

  /** As {@linkcode transact}, but it is on the disk only when the next commit is: a power cut may undo it. */
  transactLazily(act: () => void): void {
    this.sqlite.exec("PRAGMA synchronous = NORMAL");
    try {
      this.transact(act);
    } finally {
      this.sqlite.exec("PRAGMA synchronous = FULL");
    }
  }

  /** Writes something that changes nothing; throws if the disk is full. */
  probe(): void {
    this.sqlite.exec("UPDATE state SET last_commit = last_commit");
  }

  /** Puts what is in the log into the file, and has the log begin anew. */
  checkpoint(): void {
    this.sqlite.exec("PRAGMA wal_checkpoint(PASSIVE)");
    this.logBytes = 0;
  }

  /** Puts all that is in the file beside it into it, as far as nobody reads it meanwhile. */
  close(): void {
    try {
      this.sqlite.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } finally {
      this.sqlite.close();
    }
  }

  #insertRow(entries: readonly Entry[], keys: readonly KeptRequest[], row: number = 0): void {
    const [plays, kept] = [writePlays(entries), keys.length === 0 ? "" : JSON.stringify(keys)];
    this.#insert.run(this.last + 1 + row, this.open, plays, kept, digestOf(plays, kept));
    this.logBytes += PAGE_BYTES + plays.length + kept.length;
  }

  /** Nobody else may read or write, until this process ends, however that is. */
  #takeAlone(): void {
    try {
      this.sqlite.exec("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT");
    } catch (error) {
      this.sqlite.close();
      if (!/locked|busy/i.test(reasonOf(error))) throw error;
      throw new DataError("another process has it", { cause: error });
    }
  }
}

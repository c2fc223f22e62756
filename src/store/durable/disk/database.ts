import { statSync } from "node:fs";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Entry } from "../../count-store.ts";
import type { LastRequest } from "../../request-key.ts";
import { digestOf, lastCommit, signState, writePlays } from "./schema.ts";
import { numberOf, takeAlone } from "./sqlite.ts";

/** As SQLite has it by default. */
export const PAGE_BYTES = 4096;

/** Songs of one row of `commits`; larger commits have several. */
const ROW_SONGS = 1000;

/** A request that had a key, as it is kept. */
export type KeptRequest = LastRequest & { writer: string };

/** What one commit makes durable. */
export interface Commit {
  plays: ReadonlyMap<string, number>;
  keys: readonly KeptRequest[];
}

/** The SQLite file that all counts are kept in. What changes them is one transaction, and on the disk when it returns. */
export class Database {
  readonly sqlite: DatabaseSync;
  /** The number of the newest commit. */
  last: number;
  /** What was written into the log since the last checkpoint, more or less. */
  logBytes: number;
  /** The fold that is open, by its id. */
  open: number;
  readonly #insert: StatementSync;

  /** @throws {DataError} if another process has the file. */
  constructor(file: string) {
    this.sqlite = takeAlone(file);
    this.sqlite.exec("PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0");
    this.#insert = this.sqlite.prepare("INSERT INTO commits VALUES (?, ?, ?, ?, ?)");
    this.last = lastCommit(this.sqlite);
    this.logBytes = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
    this.open = this.#openFold();
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
    this.#change(() => {
      this.sqlite.prepare("UPDATE fold SET number = ?, state = 'sealed' WHERE id = ?").run(number, this.open);
      this.sqlite.exec("INSERT INTO fold (state) VALUES ('open')");
    });
  }

  /** Acknowledges the oldest fold that is not. */
  acknowledge(number: number): void {
    this.#change(() => {
      this.sqlite.exec(`
        UPDATE state SET dropped = coalesce((SELECT number FROM fold WHERE state = 'kept'), dropped);
        UPDATE fold SET state = 'dropped', number = NULL WHERE state = 'kept'`);
      this.sqlite.prepare("UPDATE fold SET state = 'kept' WHERE number = ?").run(number);
    });
  }

  /** Forgets all songs and folds. */
  clear(): void {
    this.#change(() => {
      this.sqlite.exec(`
        UPDATE fold SET state = 'dropped', number = NULL;
        INSERT INTO fold (state) VALUES ('open');
        UPDATE state SET dropped = 0`);
    });
  }

  /** Changes what folds there are; that is a commit as well. */
  #change(act: () => void): void {
    this.transact(() => {
      act();
      signState(this.sqlite);
      this.#insertRow([], []);
    });
    this.last++;
    this.open = this.#openFold();
  }

  #openFold(): number {
    return numberOf(this.sqlite, "SELECT id FROM fold WHERE state = 'open'");
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

  /** Tries whether there is room on the disk again: throws if not. */
  makeRoom(): void {
    this.checkpoint();
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
    const number = this.last + 1 + row;
    this.#insert.run(number, this.open, plays, kept, digestOf(number, this.open, plays, kept));
    this.logBytes += PAGE_BYTES + plays.length + kept.length;
  }
}

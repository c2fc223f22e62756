import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { DataError } from "./data-error.ts";
import { errorMessage } from "../../../error-message.ts";

/**
 * Attempts to open a file that another process has. A pause in between takes one to five times the least one.
 */
const MAX_TRIES = 10;
const MIN_PAUSE_MS = 10;

const LOCK = "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE";

/** SQLite's smallest page. It takes a smaller file for an empty one, and deletes the log of that. */
const MIN_BYTES = 512;

/** Returns the only number of a query's result; NaN for an empty result. */
export function numberOf(sqlite: DatabaseSync, sql: string, ...values: (number | string)[]): number {
  return Number(Object.values(sqlite.prepare(sql).get(...values) ?? {})[0] ?? Number.NaN);
}

/**
 * Calls `read` with a read-only connection, so that file and log stay unchanged: a connection that may write
 * would move the intact part of a damaged log into the file on closing. On a full disk it has to write; see
 * `openToRead`.
 *
 * @throws {DataError} if another process has the file, or it is no database.
 */
export function readUnchanged<T>(file: string, read: (sqlite: DatabaseSync) => T): T {
  const { size } = statSync(file);
  if (size < MIN_BYTES) throw new DataError(size === 0 ? "it is empty" : "it is not a database of playcount");
  const index = `${file}-shm`;
  const made = [index, `${file}-wal`].filter((path) => !existsSync(path)); // by SQLite
  const before = made.includes(index) ? undefined : readFileSync(index); // of a start that was killed
  try {
    const sqlite = openToRead(file);
    try {
      return read(sqlite);
    } finally {
      sqlite.close();
    }
  } catch (error) {
    if (before !== undefined) writeFileSync(index, before);
    throw error;
  } finally {
    for (const path of made) rmSync(path, { force: true });
  }
}

/**
 * Opens a file, and locks it against all other processes until this one ends.
 *
 * @throws {DataError} if another process has the file.
 */
export function openExclusively(file: string): DatabaseSync {
  return open(file, {}, `${LOCK}; COMMIT`);
}

/**
 * Locks an empty file until this process ends. No runtime can lock a file, but SQLite can.
 *
 * @throws {DataError} if another process has it.
 */
export function acquireLock(file: string): DatabaseSync {
  // The table, which is never committed, fails in a file that this process may not write: so does no lock.
  return open(file, {}, `PRAGMA journal_mode = MEMORY; ${LOCK}; CREATE TABLE lock (held)`);
}

/** On a full disk the log's index finds no space, and only an exclusive connection needs none. */
function openToRead(file: string): DatabaseSync {
  try {
    return open(file, { readOnly: true }, "BEGIN; SELECT * FROM sqlite_schema");
  } catch (error) {
    if (!/I\/O error/.test(errorMessage(error))) throw error;
    return openExclusively(file);
  }
}

/**
 * Opens a file and runs `lock`. Retries while another process has it: two that start at once may block each
 * other.
 */
function open(file: string, options: { readOnly?: boolean }, lock: string): DatabaseSync {
  for (let tries = 1; ; tries++) {
    const sqlite = new DatabaseSync(file, options);
    try {
      sqlite.exec(`PRAGMA temp_store = MEMORY; ${lock}`); // no other folder may be writable
      return sqlite;
    } catch (error) {
      sqlite.close();
      if (!/locked|busy/i.test(errorMessage(error))) throw error;
      if (tries === MAX_TRIES) throw new DataError("another process uses it", { cause: error });
    }
    pause(MIN_PAUSE_MS * (1 + 4 * Math.random()));
  }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

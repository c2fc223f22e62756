import { existsSync, rmSync, statSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { DataError } from "./data-error.ts";
import { errorMessage } from "../../../error-message.ts";

/** A file that somebody else has is tried so often, with pauses of so many milliseconds up to five times as long. */
const MOST_TRIES = 10;
const LEAST_PAUSE = 10;

const LOCK = "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE";

/** The one number that a query gives. */
export function numberOf(sqlite: DatabaseSync, sql: string, ...values: (number | string)[]): number {
  return Number(Object.values(sqlite.prepare(sql).get(...values) ?? {})[0] ?? Number.NaN);
}

/**
 * Has a file and the log beside it be read, and leaves both as they are, unless the disk is full: a connection that may
 * write would put the log into the file when it is closed, as far as it can be read.
 *
 * @throws {DataError} if another process has the file, or it is empty or missing.
 */
export function readOnly<T>(file: string, read: (sqlite: DatabaseSync) => T): T {
  // SQLite deletes the log of an empty file.
  if (!existsSync(file)) throw new DataError("it is missing, and commits were made");
  if (statSync(file).size === 0) throw new DataError("it is empty");
  const made = ["-shm", "-wal"].map((end) => file + end).filter((path) => !existsSync(path)); // on the way
  try {
    const sqlite = openToRead(file);
    try {
      return read(sqlite);
    } finally {
      sqlite.close();
    }
  } finally {
    for (const path of made) rmSync(path, { force: true });
  }
}

/**
 * Opens a file that nobody else may read or write then, until this process ends, however that is.
 *
 * @throws {DataError} if another process has the file.
 */
export function takeAlone(file: string): DatabaseSync {
  return open(file, {}, `${LOCK}; COMMIT`);
}

/**
 * Takes an empty file as a lock, until this process ends: no runtime can lock a file, but SQLite can.
 *
 * @throws {DataError} if another process has it.
 */
export function takeLock(file: string): DatabaseSync {
  return open(file, {}, `PRAGMA journal_mode = MEMORY; ${LOCK}`);
}

/** On a full disk there is no room for the log's index, and a connection is taken that needs none. */
function openToRead(file: string): DatabaseSync {
  try {
    return open(file, { readOnly: true }, "BEGIN; SELECT * FROM sqlite_schema");
  } catch (error) {
    if (!/I\/O error/.test(errorMessage(error))) throw error;
    return takeAlone(file);
  }
}

/**
 * Opens a file and does what takes the lock. If somebody else has it, it tries again: of two that begin at once each may
 * be in the other's way.
 */
function open(file: string, options: { readOnly?: boolean }, lock: string): DatabaseSync {
  for (let tries = 1; ; tries++) {
    const sqlite = new DatabaseSync(file, options);
    try {
      sqlite.exec(`PRAGMA temp_store = MEMORY; ${lock}`); // there may be no other folder that can be written to
      return sqlite;
    } catch (error) {
      sqlite.close();
      if (!/locked|busy/i.test(errorMessage(error))) throw error;
      if (tries === MOST_TRIES) throw new DataError("another process has it", { cause: error });
    }
    pause(LEAST_PAUSE * (1 + 4 * Math.random()));
  }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

import { existsSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { DataError, reasonOf } from "./data-error.ts";

/** A file that somebody else has is tried so often, with pauses of so many milliseconds up to five times as long. */
const MOST_TRIES = 10;
const LEAST_PAUSE = 10;

/** The one number that a query gives. */
export function numberOf(sqlite: DatabaseSync, sql: string, ...values: (number | string)[]): number {
  return Number(Object.values(sqlite.prepare(sql).get(...values) ?? {})[0] ?? Number.NaN);
}

/**
 * Has a file and the log beside it be read, and leaves both as they are: a connection that may write would put the log
 * into the file when it is closed, as far as it can be read.
 *
 * @throws {DataError} if another process has the file.
 */
export function readOnly<T>(file: string, read: (sqlite: DatabaseSync) => T): T {
  const index = `${file}-shm`; // of the log; made on the way
  const isIndexed = existsSync(index);
  try {
    const sqlite = open(file, { readOnly: true }, "BEGIN; SELECT * FROM sqlite_schema");
    try {
      return read(sqlite);
    } finally {
      sqlite.close();
    }
  } finally {
    if (!isIndexed) rmSync(index, { force: true });
  }
}

/**
 * Opens a file that nobody else may read or write then, until this process ends, however that is.
 *
 * @throws {DataError} if another process has the file.
 */
export function takeAlone(file: string): DatabaseSync {
  return open(file, {}, "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; COMMIT");
}

/**
 * Opens a file and does what takes the lock. If somebody else has it, it tries again: of two that begin at once each may
 * be in the other's way.
 */
function open(file: string, options: { readOnly?: boolean }, lock: string): DatabaseSync {
  for (let tries = 1; ; tries++) {
    const sqlite = new DatabaseSync(file, options);
    try {
      sqlite.exec(lock);
      return sqlite;
    } catch (error) {
      sqlite.close();
      if (!/locked|busy/i.test(reasonOf(error))) throw error;
      if (tries === MOST_TRIES) throw new DataError("another process has it", { cause: error });
    }
    pause(LEAST_PAUSE * (1 + 4 * Math.random()));
  }
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DataError } from "./data-error.ts";
import type { DataFolder } from "./data-folder.ts";
import { createTables } from "./schema.ts";

/**
 * Creates the database if it is missing. A new one is written under another name, and renamed once it is
 * whole and on disk: a process that is killed before leaves no database. The record of the last commit is
 * made before it, as a database without one is taken for a copy.
 */
export function ensureDatabase(folder: DataFolder): void {
  const { file, recordedCommit = 0 } = folder;
  if (existsSync(file)) return;
  if (recordedCommit > 0) throw new DataError("it is missing, but commits were made");
  if (existsSync(`${file}-wal`)) throw new DataError("it is missing, but its log exists");
  const fresh = unfinishedPath(file);
  removeUnfinished(file);
  try {
    makeDatabase(fresh);
    folder.openRecord();
    renameSync(fresh, file);
  } finally {
    removeUnfinished(file);
  }
  syncFolder(dirname(file));
  syncFolder(dirname(dirname(file)));
}

/** Removes the files of a creation that was killed. */
function removeUnfinished(file: string): void {
  for (const end of ["", "-journal", "-wal", "-shm"]) rmSync(unfinishedPath(file) + end, { force: true });
}

function unfinishedPath(file: string): string {
  return `${file}-unfinished`;
}

function makeDatabase(path: string): void {
  const sqlite = new DatabaseSync(path);
  try {
    sqlite.exec("PRAGMA synchronous = FULL; BEGIN");
    createTables(sqlite);
    // In this mode a reader never finds a journal that it would have to roll back.
    sqlite.exec("COMMIT; PRAGMA journal_mode = WAL");
  } finally {
    sqlite.close();
  }
}

/** Makes the names in a folder durable. */
function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DataError } from "./data-error.ts";
import { createTables } from "./schema.ts";

/**
 * Sees to it that there is a database. A new one is made under another name, and gets its own when it is whole and on the
 * disk: whoever is killed meanwhile leaves none.
 */
export function ensureDatabase(file: string): void {
  if (existsSync(file)) return;
  if (existsSync(`${file}-wal`)) throw new DataError("it is missing, and its log is there");
  const fresh = unfinished(file);
  try {
    makeDatabase(fresh);
    renameSync(fresh, file);
  } finally {
    removeUnfinished(file);
  }
  syncFolder(dirname(file));
  syncFolder(dirname(dirname(file)));
}

/** Removes what a process left that was killed while it made a database, and what SQLite had beside it. */
export function removeUnfinished(file: string): void {
  for (const end of ["", "-journal", "-wal", "-shm"]) rmSync(unfinished(file) + end, { force: true });
}

function unfinished(file: string): string {
  return `${file}-unfinished`;
}

function makeDatabase(path: string): void {
  const sqlite = new DatabaseSync(path);
  try {
    sqlite.exec("PRAGMA synchronous = FULL; BEGIN");
    createTables(sqlite);
    // From here on there is never a journal that a reader would have to roll back.
    sqlite.exec("COMMIT; PRAGMA journal_mode = WAL");
  } finally {
    sqlite.close();
  }
}

/** Has the names in a folder be on the disk. */
function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

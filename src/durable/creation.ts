import { closeSync, existsSync, fsyncSync, linkSync, openSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { createTables } from "./schema.ts";

/**
 * Sees to it that there is a database. A new one is made under another name, and gets its own when it is whole and on the
 * disk: so whoever is killed meanwhile leaves none, and of two processes that make one each, one is taken.
 */
export function ensureDatabase(file: string): void {
  if (existsSync(file)) return;
  const fresh = `${unfinished(file)}${process.pid}`;
  try {
    makeDatabase(fresh);
    linkSync(fresh, file);
  } catch (error) {
    if ((error as { code?: string }).code !== "EEXIST") throw error;
  } finally {
    removeAll(fresh);
  }
  syncFolder(dirname(file));
  syncFolder(dirname(dirname(file)));
}

/** Removes what those left that were killed while they made a database. Only for whoever has the one that was taken. */
export function removeUnfinished(file: string): void {
  removeAll(unfinished(file));
}

function unfinished(file: string): string {
  return `${file}-new-`;
}

/** Removes everything whose path begins like this: a database, and what SQLite has beside it. */
function removeAll(path: string): void {
  for (const name of readdirSync(dirname(path))) {
    if (name.startsWith(basename(path))) rmSync(join(dirname(path), name), { force: true });
  }
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

import type { DatabaseSync } from "node:sqlite";
import { DataError } from "./data-error.ts";
import { digestOf } from "./digest.ts";
import { checkFormat, type CommitRow, digestOfState, lastCommit } from "./schema.ts";
import { numberOf } from "./sqlite.ts";

/** The way to go on with an old copy on purpose. */
const ADVICE = "to serve the counts that it has, write 0 to last-commit";

/**
 * Checks all of a database but the songs and the writers, which are checked when they are loaded.
 * `recordedCommit`: a commit that is known to be durable; `undefined` if none is.
 *
 * @throws {DataError} if anything differs from what was written.
 */
export function checkDatabase(sqlite: DatabaseSync, recordedCommit: number | undefined): void {
  checkFormat(sqlite);
  checkPages(sqlite);
  const last = lastCommit(sqlite);
  checkRecord(sqlite, last, recordedCommit);
  checkState(sqlite);
  checkCommits(sqlite, last);
}

function checkPages(sqlite: DatabaseSync): void {
  const [row = {}] = sqlite.prepare("PRAGMA quick_check(1)").all();
  const [first] = Object.values(row);
  if (first !== "ok") throw damaged(String(first));
}

function checkRecord(sqlite: DatabaseSync, last: number, recordedCommit: number | undefined): void {
  if (recordedCommit === undefined) {
    if (last === 0 && checkFormat(sqlite) === 1) return; // which began with an empty record
    throw new DataError(`last-commit is missing or damaged, so it may be an old copy; ${ADVICE}`);
  }
  if (last < recordedCommit)
    throw new DataError(
      `its counts end with commit ${last}, but ${recordedCommit} was made: it is damaged, or an old copy; ${ADVICE}`,
    );
}

function checkState(sqlite: DatabaseSync): void {
  if (numberOf(sqlite, "SELECT digest FROM state") !== digestOfState(sqlite)) throw damaged("the folds");
}

/** Checks all commits that are not compacted, those of dropped folds included. */
function checkCommits(sqlite: DatabaseSync, last: number): void {
  const folds = new Set(
    sqlite
      .prepare("SELECT id FROM fold")
      .all()
      .map(({ id }) => id),
  );
  let number = numberOf(sqlite, "SELECT last_commit FROM state");
  const rows = sqlite
    .prepare("SELECT number, fold, plays, keys, digest FROM commits ORDER BY number")
    .iterate();
  for (const row of rows as unknown as Iterable<CommitRow>) {
    if (row.number !== ++number || !folds.has(row.fold)) throw damaged("a commit is missing");
    if (digestOf(row.number, row.fold, row.plays, row.keys) !== row.digest)
      throw damaged(`commit ${row.number}`);
  }
  if (number !== last) throw damaged("a commit is missing");
}

/** Returns the error for a file that differs from what was written. */
export function damaged(detail: string): DataError {
  return new DataError(`the file is damaged: ${detail}`);
}

import type { DatabaseSync } from "node:sqlite";
import type { Entry } from "../../count-store.ts";
import { type HashKey, randomKey } from "../../../hash.ts";
import { DataError } from "./data-error.ts";
import { type Digest, digestOf } from "./digest.ts";
import { numberOf } from "./sqlite.ts";

/** "play", in the head of each of playcount's files. */
const APPLICATION_ID = 0x706c6179;

/** The version of the file format. A program reads this one and older ones, and upgrades those. */
const FORMAT = 2;

/** Returns the format of a file. @throws {DataError} if it is not playcount's, or its format is newer. */
export function checkFormat(sqlite: DatabaseSync): number {
  if (numberOf(sqlite, "PRAGMA application_id") !== APPLICATION_ID)
    throw new DataError("it is not a database of playcount");
  const format = numberOf(sqlite, "PRAGMA user_version");
  if (format > FORMAT)
    throw new DataError(
      `it has format ${format}, of a newer playcount. This one reads formats up to ${FORMAT}`,
    );
  return format;
}

/**
 * A commit appends rows to `commits`, which writes few pages. A seal, an acknowledgement or a clear appends a
 * row without plays. Compaction later adds the plays of each row to `song`, and deletes the row.
 *
 * Digests detect each changed or missing row: every row of `commits` and `writer` has one, that of a fold
 * covers its rows in `song` (digest.ts has the exception), and that of `state` covers all folds and the row
 * itself.
 */
const SCHEMA = `
  CREATE TABLE fold (
    id INTEGER PRIMARY KEY,
    number INTEGER,                -- NULL: not sealed
    state TEXT NOT NULL,           -- open, sealed, kept (the last acknowledged one), dropped
    plays INTEGER NOT NULL DEFAULT 0,
    digest INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE song (
    fold INTEGER NOT NULL,
    id TEXT NOT NULL,              -- with %25 for % and %00 for U+0000
    plays INTEGER NOT NULL,
    PRIMARY KEY (fold, id)
  ) WITHOUT ROWID;
  CREATE TABLE commits (
    number INTEGER PRIMARY KEY,
    fold INTEGER NOT NULL,
    plays TEXT NOT NULL,           -- as JSON: ["a", 1, "b", 2]
    keys TEXT NOT NULL,            -- its requests with an Idempotency-Key, as JSON
    digest INTEGER NOT NULL
  );
  CREATE TABLE writer (
    name TEXT PRIMARY KEY,
    last TEXT NOT NULL,            -- its last request and the reply, as JSON
    used INTEGER NOT NULL,         -- the commit of that request
    digest INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX writer_used ON writer (used);
  CREATE TABLE state (
    last_commit INTEGER NOT NULL,  -- the newest one that is compacted
    dropped INTEGER NOT NULL,      -- the number of the newest dropped fold
    writers INTEGER NOT NULL,      -- rows of writer, and the sum of their digests
    writer_sum INTEGER NOT NULL,
    digest INTEGER NOT NULL
  );
  INSERT INTO state VALUES (0, 0, 0, 0, 0);
  INSERT INTO fold (state) VALUES ('open');
`;

/** Makes format 2 of format 1. */
const UPGRADE = `
  ALTER TABLE fold ADD COLUMN sealed_at INTEGER;        -- in milliseconds since 1970; NULL: unknown
  ALTER TABLE fold ADD COLUMN acknowledged_at INTEGER;
  ALTER TABLE fold ADD COLUMN label TEXT NOT NULL DEFAULT '';
  ALTER TABLE state ADD COLUMN key0 INTEGER NOT NULL DEFAULT 0; -- the key of all hashes, by which folds are
  ALTER TABLE state ADD COLUMN key1 INTEGER NOT NULL DEFAULT 0; -- ordered: the same in every process
  PRAGMA user_version = 2;
`;

/** A row of `fold`. */
export interface FoldRow extends Digest {
  id: number;
  number: number | null;
  state: "open" | "sealed" | "kept" | "dropped";
  sealed_at?: number | null;
  acknowledged_at?: number | null;
  label?: string;
}

/** A row of `commits`. */
export interface CommitRow {
  number: number;
  fold: number;
  plays: string;
  keys: string;
  digest: number;
}

/** Creates the tables in an empty database. */
export function createTables(sqlite: DatabaseSync): void {
  sqlite.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 1; ${SCHEMA}`);
  upgrade(sqlite, randomKey());
}

/** Upgrades the tables of an older format, which have no key yet. */
export function upgrade(sqlite: DatabaseSync, key: HashKey): void {
  if (checkFormat(sqlite) === FORMAT) return;
  sqlite.exec(UPGRADE);
  sqlite.prepare("UPDATE state SET key0 = ?, key1 = ?").run(...key);
  signState(sqlite);
}

/** Returns the key of all hashes: a new one, if the file is of a format that has none. */
export function readKey(sqlite: DatabaseSync): HashKey {
  if (checkFormat(sqlite) < FORMAT) return randomKey();
  return [numberOf(sqlite, "SELECT key0 FROM state"), numberOf(sqlite, "SELECT key1 FROM state")];
}

/** Updates the digest of `state`, after every change to `fold` and `state`. */
export function signState(sqlite: DatabaseSync): void {
  sqlite.prepare("UPDATE state SET digest = ?").run(digestOfState(sqlite));
}

/** Returns the digest that `state` should have. */
export function digestOfState(sqlite: DatabaseSync): number {
  const folds = sqlite.prepare("SELECT * FROM fold ORDER BY id").all();
  const state = sqlite.prepare("SELECT * FROM state").all();
  for (const row of state) delete row["digest"];
  return digestOf(JSON.stringify([folds, state].map((rows) => rows.map((row) => Object.values(row)))));
}

/** Returns the number of the newest commit. */
export function lastCommit(sqlite: DatabaseSync): number {
  return numberOf(
    sqlite,
    "SELECT max(last_commit, (SELECT coalesce(max(number), 0) FROM commits)) FROM state",
  );
}

/** Encodes the plays of a commit. */
export function writePlays(entries: readonly Entry[]): string {
  return JSON.stringify(entries.flat());
}

/** Decodes {@linkcode writePlays}'s encoding. */
export function* readPlays(plays: string): Generator<Entry> {
  const all = JSON.parse(plays) as (string | number)[];
  for (let at = 0; at < all.length; at += 2) yield [all[at] as string, all[at + 1] as number];
}

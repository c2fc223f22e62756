import type { DatabaseSync } from "node:sqlite";
import type { Entry } from "../../count-store.ts";
import { SETTINGS } from "../../../settings/settings.ts";
import { hash } from "../../../hash.ts";
import { PackedId } from "../../memory/packed-id.ts";
import { DataError } from "./data-error.ts";
import { numberOf } from "./sqlite.ts";

/** What SQLite writes into the head of a file that is playcount's: "play". */
const APPLICATION_ID = 0x706c6179;

/** The format of the file; a program knows this one and those before. */
const FORMAT = 1;

/** @throws {DataError} if a file is not playcount's, or of a newer one. */
export function checkFormat(sqlite: DatabaseSync): void {
  if (numberOf(sqlite, "PRAGMA application_id") !== APPLICATION_ID)
    throw new DataError("it is not a file of playcount");
  const format = numberOf(sqlite, "PRAGMA user_version");
  if (format > FORMAT)
    throw new DataError(`it has format ${format}, of a newer playcount; this one knows up to ${FORMAT}`);
}

/**
 * Every commit is a row of `commits`, which takes a page or two, however many songs it has; one that seals, acknowledges
 * or clears has a row without plays. Behind that its plays are added to `song`, some songs at a time, and the row is
 * deleted.
 *
 * `plays` and `digest` of a fold sum up what of it is in `song`, and the digest of `state` is of all folds and of that
 * row itself; the other rows have one each. So no damage goes unnoticed, nor does a row that is not there.
 */
const SCHEMA = `
  CREATE TABLE fold (
    id INTEGER PRIMARY KEY,
    number INTEGER,                -- NULL: not sealed
    state TEXT NOT NULL,           -- open, sealed, kept (acknowledged, the last one that is), dropped
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
    keys TEXT NOT NULL,            -- the requests that had an Idempotency-Key, as JSON
    digest INTEGER NOT NULL
  );
  CREATE TABLE writer (
    name TEXT PRIMARY KEY,
    last TEXT NOT NULL,            -- its last request and the answer, as JSON
    used INTEGER NOT NULL,         -- the commit that it was in
    digest INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX writer_used ON writer (used);
  CREATE TABLE state (
    last_commit INTEGER NOT NULL,  -- the newest whose plays are in song
    dropped INTEGER NOT NULL,      -- the newest fold that was dropped
    writers INTEGER NOT NULL,      -- the rows of writer, and the sum of their digests
    writer_sum INTEGER NOT NULL,
    digest INTEGER NOT NULL
  );
  INSERT INTO state VALUES (0, 0, 0, 0, 0);
  INSERT INTO fold (state) VALUES ('open');
`;

/** Makes the tables in an empty database. */
export function createTables(sqlite: DatabaseSync): void {
  sqlite.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${FORMAT}; ${SCHEMA}`);
  signState(sqlite);
}

/** Puts the digest right, which has to be done behind every change to `fold` and `state`. */
export function signState(sqlite: DatabaseSync): void {
  sqlite.prepare("UPDATE state SET digest = ?").run(digestOfState(sqlite));
}

/** The digest that there should be. */
export function digestOfState(sqlite: DatabaseSync): number {
  const folds = sqlite.prepare("SELECT id, number, state, plays, digest FROM fold ORDER BY id").all();
  const state = sqlite.prepare("SELECT last_commit, dropped, writers, writer_sum FROM state").all();
  return digestOf(JSON.stringify([folds, state].map((rows) => rows.map((row) => Object.values(row)))));
}

/** The number of the newest commit. */
export function lastCommit(sqlite: DatabaseSync): number {
  return numberOf(
    sqlite,
    "SELECT max(last_commit, (SELECT coalesce(max(number), 0) FROM commits)) FROM state",
  );
}

/** An id as it stands in a column: Deno reads a text only as far as U+0000. */
export function writeId(id: string): string {
  return id.replaceAll("%", "%25").replaceAll("\0", "%00");
}

/** Reads what {@linkcode writeId} wrote. */
export function readId(text: string): string {
  return text.includes("%") ? text.replaceAll("%00", "\0").replaceAll("%25", "%") : text;
}

/** The plays of a commit as they are kept. */
export function writePlays(entries: readonly Entry[]): string {
  return JSON.stringify(entries.flat());
}

/** Reads what {@linkcode writePlays} wrote. */
export function* readPlays(plays: string): Generator<Entry> {
  const all = JSON.parse(plays) as (string | number)[];
  for (let at = 0; at < all.length; at += 2) yield [all[at] as string, all[at + 1] as number];
}

/** Plays are summed up modulo 2^52, so that each sum on the way is exact. */
const SUM = 2 ** 52;

/** Of one id after the other: to hash each as a text of its own takes twice as long. */
const packed = new PackedId([0, 0]);

/** What is known of many rows of songs without looking at them. */
export interface Digest {
  plays: number;
  digest: number;
}

/** Adds the plays of a song. In which order, and in how many parts, makes no difference. */
export function addTo(sum: Digest, id: string, plays: number): void {
  sum.plays = (sum.plays + (plays % SUM)) % SUM;
  packed.set(id, SETTINGS.maxIdBytes.max);
  sum.digest = (sum.digest + Math.imul(packed.hash, plays % 2 ** 32)) | 0;
}

/** The digest of what is in a row. */
export function digestOf(...values: readonly (string | number)[]): number {
  return values.reduce<number>((digest, value) => hash(String(value), [digest, 0]), 0);
}

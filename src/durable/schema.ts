import type { Entry } from "../store/count-store.ts";
import { hash } from "../hash.ts";
import { DataError } from "./data-error.ts";

/** What SQLite writes into the head of a file that is playcount's: "play". */
export const APPLICATION_ID = 0x706c6179;

/** The format of the file; a program knows this one and those before. */
export const FORMAT = 1;

/** What is said of a file whose format this program does not know. */
export function tooNew(format: number): DataError {
  return new DataError(`it has format ${format}, of a newer playcount; this one knows up to ${FORMAT}`);
}

/**
 * Every commit is a row of `commits`, which takes a page or two, however many songs it has. Behind that its plays are
 * added to `song`, some songs at a time, and the row is deleted.
 *
 * `plays` and `digest` of a fold sum up what of it is in `song`, so that a damaged row does not go unnoticed.
 */
export const SCHEMA = `
  CREATE TABLE fold (
    id INTEGER PRIMARY KEY,
    number INTEGER,                -- NULL: not sealed
    state TEXT NOT NULL,           -- open, sealed, kept (acknowledged, the last one that is), dropped
    plays INTEGER NOT NULL DEFAULT 0,
    digest INTEGER NOT NULL DEFAULT 0
  );
  CREATE TABLE song (
    fold INTEGER NOT NULL,
    id TEXT NOT NULL,
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
    dropped INTEGER NOT NULL       -- the newest fold that was dropped
  );
  INSERT INTO state VALUES (0, 0);
  INSERT INTO fold (state) VALUES ('open');
`;

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

/** What is known of many rows of songs without looking at them. */
export interface Digest {
  plays: number;
  digest: number;
}

/** Adds the plays of a song. In which order, and in how many parts, makes no difference. */
export function addTo(sum: Digest, id: string, plays: number): void {
  sum.plays = (sum.plays + plays) % SUM;
  sum.digest = (sum.digest + Math.imul(hash(id, [0, 0]), plays % 2 ** 32)) | 0;
}

/** The digest of a text. */
export function digestOf(...texts: readonly string[]): number {
  return texts.reduce((digest, text) => hash(text, [digest, 0]), 0);
}

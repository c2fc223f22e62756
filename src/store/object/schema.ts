/** A parameter of a statement. */
export type SqlValue = string | number | null;

/** The part of a Durable Object's storage that the store uses. */
export interface ObjectStorage {
  /** Runs statements, of which the last may have parameters, and returns its rows. */
  sql: { exec(query: string, ...values: SqlValue[]): Iterable<Record<string, unknown>> };
  /** Calls `act` in a transaction, and rolls back if it throws. */
  transactionSync<T>(act: () => T): T;
}

/** The version of the tables. */
export const FORMAT = 1;

/**
 * Makes the tables. Cloudflare bills each row that is written, and an entry of an index counts as one. So a
 * play writes one row: that of its song in the open fold. A key writes one more, that of its writer. The
 * first play of a song in a fold also changes that fold, and the one that had it last. A new writer changes
 * `state`, or evicts the oldest one.
 */
export const SCHEMA: string = `
  CREATE TABLE fold (
    id INTEGER PRIMARY KEY,        -- ascending; the open fold has the highest
    number INTEGER,                -- NULL: not sealed
    label TEXT NOT NULL DEFAULT '',
    songs INTEGER NOT NULL DEFAULT 0, -- those that no newer fold has: acknowledging uncounts them
    sealed_at INTEGER,             -- in milliseconds since 1970
    acknowledged_at INTEGER        -- the same; NULL: not acknowledged
  );
  CREATE TABLE song (
    fold INTEGER NOT NULL,         -- id of the fold, not its number
    id TEXT NOT NULL,
    plays INTEGER NOT NULL,
    PRIMARY KEY (fold, id)
  ) WITHOUT ROWID;
  CREATE TABLE writer (
    name TEXT PRIMARY KEY,
    used INTEGER NOT NULL,         -- ascending with each request; an index would be one more row for each
    last TEXT NOT NULL             -- its last request and the reply, as JSON
  ) WITHOUT ROWID;
  CREATE TABLE state (
    format INTEGER NOT NULL,
    dropped INTEGER NOT NULL,      -- the number of the newest dropped fold
    writers INTEGER NOT NULL       -- rows of writer
  );
  INSERT INTO state VALUES (${FORMAT}, 0, 0);
  INSERT INTO fold (id) VALUES (1);
`;

/** A row of `fold`: the kept fold, a sealed one, or the open one. */
export interface Fold {
  id: number;
  number: number | null;
  label: string;
  songs: number;
  sealed_at: number | null;
  acknowledged_at: number | null;
}

/** The row of `state`. */
export type State = Record<"format" | "dropped" | "writers", number>;

/** Returns a condition for the rows of folds. */
export function inFolds(folds: readonly Fold[]): string {
  return `fold IN (${folds.map(({ id }) => id).join()})`;
}

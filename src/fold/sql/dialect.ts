import type { SongPlays } from "../songs.ts";
import type { SqlResult, SqlRunner } from "./client.ts";
import type { SongColumns } from "./columns.ts";

/** The table of songs in statements: row `s`. Names are quoted. */
export interface SongTable extends SongColumns {
  table: string;
  idName: string;
  playsName: string;
  /** Adds the plays of row `f`. */
  increment: string;
  /** The songs of a fold, as rows `f`. */
  songs: string;
  /** The name of the job as a literal. */
  name: string;
  history: string | undefined;
}

/** The parts of a database that a dialect uses. */
export interface SongDatabase {
  readonly song: SongTable;
  /** True if row `s` has the id of a row `f`, or `k` of `playcount_unknown`, and room for its plays. */
  isRowOf(other: "f" | "k"): string;
  /** Runs a statement, which may read `rows` as rows `f`, or one text. */
  run(on: SqlRunner, statement: string, rows?: SongPlays | string): Promise<SqlResult>;
}

/**
 * One kind of database. In its statements row `s` is a song of the table, and row `f` one of the fold, with
 * `id` and `plays`. Numbers are literals.
 */
export interface Dialect {
  /** Quote of names. */
  quote: string;
  /** Most bytes of an id that an index of the job's tables can have. */
  maxIdBytes: number;
  /** Placeholder of a statement's only value. */
  placeholder: string;
  /** Follows the statement that reads the state of a job, and locks it. */
  forUpdate: string;
  /** Argument of `begin`. */
  begin?: string;
  /** Statement for a connection. */
  connection?: (lockSeconds: number) => string;
  /** First statements of a transaction, in which a statement sees what was committed before it. */
  transaction: (lockSeconds: number) => string[];
  /**
   * Meanings of errors, as beginnings of their number, code and message. After a `transient` one a
   * transaction may succeed, and nothing of this one is stored.
   */
  errors: Readonly<Record<"transient" | "locked" | "missing table" | "duplicate", RegExp>>;
  /** Begin of a statement that inserts rows as far as no unique key is in the way, and its end. */
  insertion: readonly [begin: string, end: string];
  /** End of a statement that inserts plays, and adds them if the row exists. */
  orAdd: string;
  /** Types of the job's tables. `end` follows the columns. */
  types: (bytes: string) => { name: string; id: string; time: string; end: string };
  literal: (text: string) => string;
  time: (time: Date) => string;
  /** Songs as a table `f`. Its values are those of `values`. */
  songs: (bytes: string) => string;
  values: (rows: SongPlays) => unknown[];
  /** A text as a value of the column of ids. */
  typed: (song: SongTable, text: string) => string;
  /** The same, where the text may be no id. Default: `typed`. */
  typedIfId?: (song: SongTable, text: string) => string;
  /** The id of row `s` as text that compares by bytes. */
  text: (song: SongTable) => string;
  /** Adds plays to rows. Returns the songs that have no row with room for them. All ids fit. */
  add: (database: SongDatabase, tx: SqlRunner, rows: SongPlays) => Promise<SongPlays>;
}

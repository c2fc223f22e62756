import type { SongPlays } from "../songs.ts";
import type { SongColumns } from "./columns.ts";

/**
 * One kind of database. In its statements row `s` is a song of the table, and row `f` one of the fold, with
 * `id` and `plays`. Numbers are literals.
 */
export interface Dialect {
  /** Quote of names. */
  quote: string;
  /** Most bytes of an id that an index of the job's tables can have. Default: no limit. */
  maxIdBytes: number | undefined;
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
   * transaction may succeed, and nothing of this one is stored. A `refused` row is one that a type, a
   * constraint or a trigger does not allow.
   */
  errors: Readonly<Record<"transient" | "refused" | "locked" | "missing table" | "duplicate", RegExp>>;
  /** Begin of a statement that inserts rows as far as no unique key is in the way, and its end. */
  insertion: readonly [begin: string, end: string];
  /** End of a statement that inserts plays, and adds them if the row exists. */
  orAdd: string;
  /** Begin of a statement that deletes songs of playcount_unknown. The name of the job follows. */
  deletion: (songs: string) => string;
  /** Types of the job's tables. `end` follows the columns. */
  types: (bytes: string) => { name: string; id: string; time: string; end: string };
  literal: (text: string) => string;
  /** A number at random. */
  random: string;
  time: (time: Date) => string;
  /** Songs as a table `f`. Its values are those of `values`. */
  songs: (bytes: string) => string;
  values: (rows: SongPlays) => unknown[];
  /** A text as a value of the column of ids. */
  typed: (song: SongColumns, text: string) => string;
  /** The same, where the text may be no id, which takes longer. Default: `typed`. */
  typedIfId?: (song: SongColumns, text: string) => string;
  /** The id of row `s` as text that compares by bytes. */
  text: (song: SongColumns) => string;
}

/** Adds plays to kept ones, as far as a bigint goes: a sum beyond it would stop the job. */
const addKept = (more: string) =>
  `plays = CASE WHEN playcount_unknown.plays > 9223372036854775807 - ${more} THEN 9223372036854775807 ELSE playcount_unknown.plays + ${more} END`;

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

/** The parts that PostgreSQL and SQLite share. */
const STANDARD = {
  ...{ quote: '"', literal, random: "random()" },
  insertion: ["INSERT", " ON CONFLICT DO NOTHING"],
  deletion: (songs: string) =>
    `DELETE FROM playcount_unknown WHERE id IN (SELECT f.id FROM ${songs}) AND name =`,
  orAdd: `ON CONFLICT (name, id) DO UPDATE SET ${addKept("excluded.plays")}`,
} as const;

const postgres: Dialect = {
  ...{ ...STANDARD, maxIdBytes: 2500, placeholder: "$1" },
  forUpdate: "FOR UPDATE",
  begin: "ISOLATION LEVEL READ COMMITTED",
  transaction: (seconds) => [
    [
      "SET LOCAL row_security = off", // a row that a policy hides would be taken for a missing one
      `SET LOCAL lock_timeout = '${seconds}s'`,
      // A part that is answered must be there after a crash of the database.
      "SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'",
      "SET CONSTRAINTS ALL IMMEDIATE", // one that is checked at the commit would refuse the whole part
      // For a table without statistics the planner would read all rows for each part.
      "SET LOCAL enable_seqscan = off",
      "SET LOCAL jit = off",
    ].join("; "),
  ],
  errors: {
    // 25006: read-only, as after a failover.
    transient: /^(?:08|40|53|57P|58|25P03|25006|55P03|57014|ERR_POSTGRES_(?:CONNECTION|IDLE|LIFETIME))/,
    // Also codes that a trigger has made up, as U0001. F0, HV, XX and 72 are PostgreSQL's own.
    refused: /^(?:2[123]|38|39|44|54|55000|(?!F0|HV|XX|72)[6-9A-Z][0-9A-Z]{4} )/,
    locked: /^55P03/,
    "missing table": /^42P01/,
    duplicate: /^(?:23505|42P07)/,
  },
  types: () => ({ name: "text", id: 'text COLLATE "C"', time: "timestamptz", end: "" }),
  time: (time) => `'${time.toISOString()}'::timestamptz`,
  songs: () => "unnest($1::text[], $2::bigint[]) AS f(id, plays)",
  values: (rows) => [rows.map(([id]) => id), rows.map(([, plays]) => plays)],
  // Kept ids have the collation "C", which would conflict with that of the column.
  typed: ({ kind, type, collation }, text) =>
    kind === "text" ? `${text}::${type} COLLATE ${collation}` : `${text}::${type}`,
  typedIfId: (song, text) => {
    if (song.kind === "text") return postgres.typed(song, text);
    if (song.kind === "uuid")
      return `CASE WHEN ${text} ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN ${text}::uuid END`;
    const inRange = `CASE WHEN ${text}::numeric BETWEEN -9223372036854775808 AND 9223372036854775807 THEN ${text}::bigint END`;
    return `CASE WHEN ${text} ~ '^(0|-?[1-9][0-9]{0,18})$' THEN ${inRange} END`;
  },
  text: ({ id }) => `${id}::text COLLATE "C"`,
};

const mysql: Dialect = {
  ...{ quote: "`", maxIdBytes: 512, placeholder: "?", random: "rand()" },
  forUpdate: "FOR UPDATE",
  // At REPEATABLE READ gaps are locked, and others could not insert songs. A client may have several
  // connections, so the transaction that it has begun is exchanged for one with this isolation.
  transaction: (seconds) => [
    "ROLLBACK",
    "SET TRANSACTION ISOLATION LEVEL READ COMMITTED",
    `SET innodb_lock_wait_timeout = ${seconds}`,
    "START TRANSACTION",
  ],
  errors: {
    // Lock wait, deadlock, connection killed or refused, time limit, read-only during a failover.
    transient:
      /^(?:1205|3572|1213|1053|1152|1158|1159|1160|1161|1180|1290|1040|1203|1927|1969|4031|1317|ERR_MYSQL_(?:CONNECTION|IDLE|LIFETIME))/,
    // NULL, duplicate, range, length, text, foreign key, partition, CHECK, view, SIGNAL of a trigger, also
    // with a number that it has made up, and a subquery of one.
    refused:
      /^(?:1048|1062|1216|1217|1242|1264|1265|1292|1364|1365|1366|1369|1406|1441|1451|1452|1526|1586|1644|1690|1748|1977|3140|3819|3854|4025|[2-9]\d{4}) /,
    locked: /^(?:1205|3572) /,
    "missing table": /^1146 /,
    duplicate: /^(?:1062|1050) /,
  },
  insertion: ["INSERT IGNORE", ""],
  // A subquery would read the songs again for each row: 62 s for 5,000.
  deletion: (songs) =>
    `DELETE k FROM ${songs} STRAIGHT_JOIN playcount_unknown k ON k.id = f.id WHERE k.name =`,
  orAdd: `ON DUPLICATE KEY UPDATE ${addKept("VALUES(plays)")}`,
  types: (bytes) => ({
    ...{ name: "varchar(190)", id: "varchar(512)", time: "datetime(3)" },
    end: ` ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE ${bytes}`,
  }),
  literal: (text) => literal(text.replaceAll("\\", "\\\\")),
  time: (time) => `'${time.toISOString().slice(0, -1).replace("T", " ")}'`,
  songs: (bytes) =>
    `JSON_TABLE(?, '$[*]' COLUMNS (id varchar(512) CHARACTER SET utf8mb4 COLLATE ${bytes} PATH '$[0]', plays bigint PATH '$[1]')) f`,
  values: (rows) => [JSON.stringify(rows)],
  typed: ({ kind, isUnsigned, charset, collation }, text) => {
    if (kind === "uuid") return text;
    if (kind === "integer") return `CAST(${text} AS ${isUnsigned ? "unsigned" : "signed"})`;
    return `CONVERT(${text} USING ${charset}) COLLATE ${collation}`;
  },
  text: ({ id, bytes, kind, isUnsigned }) => {
    // ZEROFILL writes zeros before a number, which its value does not have.
    const value = kind === "integer" ? `CAST(${id} AS ${isUnsigned ? "unsigned" : "signed"})` : id;
    return `CAST(${value} AS char CHARACTER SET utf8mb4) COLLATE ${bytes}`;
  },
};

/** Placeholders are numbered: `$2` would be the second one that stands in the statement. */
const sqlite: Dialect = {
  ...{ ...STANDARD, maxIdBytes: undefined, placeholder: "?" },
  forUpdate: "", // BEGIN IMMEDIATE has the lock
  begin: "IMMEDIATE",
  connection: (seconds) => `PRAGMA busy_timeout = ${seconds * 1000}`,
  transaction: () => [],
  errors: {
    transient: /^\d+ SQLITE_(?:BUSY|LOCKED|IOERR|FULL)/,
    refused: /^\d+ SQLITE_(?:CONSTRAINT|MISMATCH|TOOBIG)|integer overflow/,
    locked: /^\d+ SQLITE_(?:BUSY|LOCKED)/,
    "missing table": /no such table/,
    duplicate: /UNIQUE constraint/,
  },
  types: () => ({ name: "TEXT", id: "TEXT", time: "TEXT", end: "" }),
  time: (time) => `'${time.toISOString()}'`,
  songs: () => "(SELECT value->>0 AS id, value->>1 AS plays FROM json_each(?1)) AS f",
  values: (rows) => [JSON.stringify(rows)],
  typed: ({ kind }, text) => (kind === "integer" ? `CAST(${text} AS INTEGER)` : text),
  text: ({ id, kind }) => (kind === "integer" ? `CAST(${id} AS TEXT)` : `${id} COLLATE BINARY`),
};

/** The kinds of databases. */
export const DIALECTS: Readonly<Record<DialectName, Dialect>> = { postgres, mysql, sqlite };

/** A kind of database. */
export type DialectName = "postgres" | "mysql" | "sqlite";

const SCHEMES: Readonly<Record<string, DialectName>> = {
  ...{ postgres: "postgres", postgresql: "postgres", mysql: "mysql", mariadb: "mysql", sqlite: "sqlite" },
};

/** Returns the kind of database of a URL; `undefined` for any other URL. */
export function dialectOf(url: string): DialectName | undefined {
  return SCHEMES[/^([a-z]+):/i.exec(url)?.[1]?.toLowerCase() ?? ""];
}

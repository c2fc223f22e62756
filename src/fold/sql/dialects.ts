import type { SongPlays } from "../songs.ts";
import type { SqlResult, SqlRunner } from "./client.ts";
import type { Dialect, SongDatabase } from "./dialect.ts";

const literal = (text: string) => `'${text.replaceAll("'", "''")}'`;

const ADD_ON_CONFLICT =
  "ON CONFLICT (name, id) DO UPDATE SET plays = playcount_unknown.plays + excluded.plays";

const postgres: Dialect = {
  ...{ quote: '"', maxIdBytes: 2500, placeholder: "$1", literal },
  forUpdate: "FOR UPDATE",
  begin: "ISOLATION LEVEL READ COMMITTED",
  // A row that a policy hides would be taken for a missing one.
  // A constraint that is checked at the commit would refuse the whole part.
  transaction: (seconds) => [
    `SET LOCAL row_security = off; SET LOCAL lock_timeout = '${seconds}s'; SET CONSTRAINTS ALL IMMEDIATE`,
  ],
  errors: {
    transient: /^(?:08|40|53|57P|58|25P03|55P03|57014|ERR_POSTGRES_(?:CONNECTION|IDLE|LIFETIME))/,
    locked: /^55P03/,
    "missing table": /^42P01/,
    duplicate: /^(?:23505|42P07)/,
  },
  insertion: ["INSERT", " ON CONFLICT DO NOTHING"],
  orAdd: ADD_ON_CONFLICT,
  types: () => ({ name: "text", id: 'text COLLATE "C"', time: "timestamptz", end: "" }),
  time: (time) => `'${time.toISOString()}'::timestamptz`,
  songs: () => "unnest($1::text[], $2::bigint[]) AS f(id, plays)",
  values: (rows) => [rows.map(([id]) => id), rows.map(([, plays]) => plays)],
  typed: ({ type }, text) => `${text}::${type}`,
  typedIfId: ({ kind, type }, text) => {
    if (kind === "text") return `${text}::${type}`;
    if (kind === "uuid")
      return `CASE WHEN ${text} ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN ${text}::uuid END`;
    const inRange = `CASE WHEN abs(${text}::numeric) <= 9223372036854775807 THEN ${text}::bigint END`;
    return `CASE WHEN ${text} ~ '^(0|-?[1-9][0-9]{0,18})$' THEN ${inRange} END`;
  },
  text: ({ id }) => `${id}::text COLLATE "C"`,
  async add(database, tx, rows) {
    const { song } = database;
    const found = await database.run(
      tx,
      `WITH f AS MATERIALIZED (SELECT * FROM ${song.songs}),
        done AS (UPDATE ${song.table} s SET ${song.increment} FROM f WHERE ${database.isRowOf("f")} RETURNING f.id)
      SELECT id FROM f WHERE NOT EXISTS (SELECT FROM done WHERE done.id = f.id)`,
      rows,
    );
    return only(rows, found);
  },
};

const mysql: Dialect = {
  ...{ quote: "`", maxIdBytes: 512, placeholder: "?" },
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
    // Lock wait, deadlock, connection killed or refused, read-only during a failover.
    transient:
      /^(?:1205|3572|1213|1053|1152|1158|1159|1160|1161|1180|1290|1040|1203|1927|4031|1317|ERR_MYSQL_(?:CONNECTION|IDLE|LIFETIME))/,
    locked: /^(?:1205|3572) /,
    "missing table": /^1146 /,
    duplicate: /^(?:1062|1050) /,
  },
  insertion: ["INSERT IGNORE", ""],
  orAdd: "ON DUPLICATE KEY UPDATE plays = playcount_unknown.plays + VALUES(plays)",
  types: (bytes) => ({
    ...{ name: "varchar(190)", id: "varchar(512)", time: "datetime(3)" },
    end: ` ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE ${bytes}`,
  }),
  literal: (text) => literal(text.replaceAll("\\", "\\\\")),
  time: (time) => `'${time.toISOString().slice(0, -1).replace("T", " ")}'`,
  songs: (bytes) =>
    `JSON_TABLE(?, '$[*]' COLUMNS (id varchar(512) CHARACTER SET utf8mb4 COLLATE ${bytes} PATH '$[0]', plays bigint PATH '$[1]')) f`,
  values: (rows) => [JSON.stringify(rows)],
  typed: ({ kind, min, charset, collation }, text) => {
    if (kind === "uuid") return text;
    if (kind === "integer") return `CAST(${text} AS ${min === 0n ? "unsigned" : "signed"})`;
    return `CONVERT(${text} USING ${charset}) COLLATE ${collation}`;
  },
  text: ({ id, bytes }) => `CAST(${id} AS char CHARACTER SET utf8mb4) COLLATE ${bytes}`,
  /** If rows are missing, those that exist are locked before they are changed: one may come in between. */
  async add(database, tx, all) {
    const { song } = database;
    const rows = await fitting(database, tx, all);
    const join = (songs: string) => `${songs} STRAIGHT_JOIN ${song.table} s ON ${database.isRowOf("f")}`;
    const update = async (some: SongPlays) =>
      (await database.run(tx, `UPDATE ${join(song.songs)} SET s.${song.increment}`, some)).affectedRows;
    await database.run(tx, "SAVEPOINT part");
    let added = rows;
    if ((await update(rows)) !== rows.length) {
      await database.run(tx, "ROLLBACK TO SAVEPOINT part");
      const lockable = join(`(SELECT * FROM ${song.songs}) f`); // MySQL refuses to lock a JSON_TABLE
      added = only(rows, await database.run(tx, `SELECT f.id AS id FROM ${lockable} FOR UPDATE`, rows));
      const changed = await update(added);
      if (changed !== added.length)
        throw new Error(`${changed} rows were changed instead of ${added.length}; is foundRows set?`);
    }
    return without(all, added);
  },
};

/** An UPDATE would fail for an id that the column's character set lacks; a SELECT does not. */
async function fitting(database: SongDatabase, tx: SqlRunner, rows: SongPlays): Promise<SongPlays> {
  const { kind, charset, bytes, songs } = database.song;
  const isPlain = kind !== "text" || charset === "utf8mb4" || rows.every(([id]) => /^[\0-\x7f]*$/.test(id));
  if (isPlain) return rows;
  const converted = `CONVERT(CONVERT(f.id USING ${charset}) USING utf8mb4) COLLATE ${bytes}`;
  return only(
    rows,
    await database.run(tx, `SELECT f.id AS id FROM ${songs} WHERE ${converted} = f.id`, rows),
  );
}

/** Placeholders are numbered: `$2` would be the second one that stands in the statement. */
const sqlite: Dialect = {
  ...{ quote: '"', maxIdBytes: Infinity, placeholder: "?", literal },
  forUpdate: "", // BEGIN IMMEDIATE has the lock
  begin: "IMMEDIATE",
  connection: (seconds) => `PRAGMA busy_timeout = ${seconds * 1000}`,
  transaction: () => [],
  errors: {
    transient: /^\d+ SQLITE_(?:BUSY|LOCKED|IOERR|FULL)/,
    locked: /^$/,
    "missing table": /no such table/,
    duplicate: /UNIQUE constraint/,
  },
  insertion: ["INSERT", " ON CONFLICT DO NOTHING"],
  orAdd: ADD_ON_CONFLICT,
  types: () => ({ name: "TEXT", id: "TEXT", time: "TEXT", end: "" }),
  time: (time) => `'${time.toISOString()}'`,
  songs: () => "(SELECT value->>0 AS id, value->>1 AS plays FROM json_each(?1)) AS f",
  values: (rows) => [JSON.stringify(rows)],
  typed: ({ kind }, text) => (kind === "integer" ? `CAST(${text} AS INTEGER)` : text),
  text: ({ id, kind }) => (kind === "integer" ? `CAST(${id} AS TEXT)` : `${id} COLLATE BINARY`),
  async add(database, tx, rows) {
    const { song } = database;
    const found = await database.run(
      tx,
      `UPDATE ${song.table} AS s SET ${song.increment} FROM ${song.songs}
      WHERE ${database.isRowOf("f")} RETURNING CAST(${song.idName} AS TEXT) AS id`,
      rows,
    );
    return without(rows, only(rows, found));
  },
};

/** Returns the rows with the ids of a result. */
function only(rows: SongPlays, result: SqlResult): SongPlays {
  const ids = new Set(result.map(({ id }) => String(id)));
  return ids.size === rows.length ? rows : rows.filter(([id]) => ids.has(id));
}

/** Returns the rows that are not in `others`, in linear time. */
function without(rows: SongPlays, others: SongPlays): SongPlays {
  if (others.length === rows.length) return [];
  const known = new Set(others);
  return rows.filter((row) => !known.has(row));
}

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

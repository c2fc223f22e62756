import type { SongPlays } from "../songs.ts";
import type { SqlResult, SqlRunner } from "./client.ts";
import type { Database } from "./database.ts";

/**
 * Adds plays to rows. Returns the songs that have no row with room for them. All ids fit. The plays are those
 * of `source`, a table `f` made of the rows' values.
 */
export async function addPlays(
  database: Database,
  tx: SqlRunner,
  rows: SongPlays,
  source: string = database.songs,
): Promise<SongPlays> {
  const add = { postgres: addAndSelect, mysql: addCounted, sqlite: addReturning }[database.kind];
  return await add(database, tx, rows, source);
}

type Add = (...args: Required<Parameters<typeof addPlays>>) => Promise<SongPlays>;

/** PostgreSQL selects the missing songs itself. If it counts none, it does not look for them. */
const addAndSelect: Add = async (database, tx, rows, source) => {
  const missing = await database.run(
    tx,
    `WITH f AS MATERIALIZED (SELECT * FROM ${source}),
      done AS (UPDATE ${database.table} s SET ${database.increment} FROM f WHERE ${database.isRowOf("f")} RETURNING f.id)
    SELECT id FROM f WHERE (SELECT count(*) FROM done) < (SELECT count(*) FROM f)
      AND NOT EXISTS (SELECT FROM done WHERE done.id = f.id)`,
    rows,
  );
  return only(rows, missing);
};

/** SQLite returns the rows that it changes. */
const addReturning: Add = async (database, tx, rows, source) => {
  const changed = await database.run(
    tx,
    `UPDATE ${database.table} AS s SET ${database.increment} FROM ${source}
    WHERE ${database.isRowOf("f")} RETURNING CAST(${database.song.idName} AS TEXT) AS id`,
    rows,
  );
  return without(rows, only(rows, changed));
};

/**
 * MySQL only counts the rows that it changes. If rows are missing, those that exist are locked before they
 * are changed: one may come in between.
 */
const addCounted: Add = async (database, tx, all, source) => {
  const rows = await fitting(database, tx, all);
  const join = (songs: string) => `${songs} STRAIGHT_JOIN ${database.table} s ON ${database.isRowOf("f")}`;
  const update = async (some: SongPlays) =>
    (await database.run(tx, `UPDATE ${join(source)} SET s.${database.increment}`, some)).affectedRows;
  await database.run(tx, "SAVEPOINT part");
  if ((await update(rows)) === rows.length) return without(all, rows);
  await database.run(tx, "ROLLBACK TO SAVEPOINT part");
  const lockable = join(`(SELECT * FROM ${source}) f`); // MySQL refuses to lock a JSON_TABLE
  const found = only(rows, await database.run(tx, `SELECT f.id AS id FROM ${lockable} FOR UPDATE`, rows));
  const changed = await update(found);
  if (changed === found.length) return without(all, found);
  throw new Error(`${changed} rows were changed instead of ${found.length}; is foundRows set?`);
};

/** An UPDATE would fail for an id that the column's character set lacks; a SELECT does not. */
async function fitting(database: Database, tx: SqlRunner, rows: SongPlays): Promise<SongPlays> {
  const { song, songs } = database;
  const isAscii = () => rows.every(([id]) => /^[\0-\x7f]*$/.test(id));
  if (song.kind !== "text" || song.charset === "utf8mb4" || isAscii()) return rows;
  const converted = `CONVERT(CONVERT(f.id USING ${song.charset}) USING utf8mb4) COLLATE ${song.bytes}`;
  return only(
    rows,
    await database.run(tx, `SELECT f.id AS id FROM ${songs} WHERE ${converted} = f.id`, rows),
  );
}

/** Returns the rows with the ids of a result. */
function only(rows: SongPlays, result: SqlResult): SongPlays {
  const ids = new Set(result.map(({ id }) => String(id)));
  return ids.size === rows.length ? rows : rows.filter(([id]) => ids.has(id));
}

/** Returns the rows that are not in `others`, in linear time. */
export function without(rows: SongPlays, others: SongPlays): SongPlays {
  if (others.length === rows.length) return [];
  const known = new Set(others);
  return rows.filter((row) => !known.has(row));
}

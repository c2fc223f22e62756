import type { SqlRow } from "./client.ts";
import { rangeOf, type SongColumns } from "./column.ts";
import type { SongTable } from "./database.ts";
import { checkSongTable } from "./song-table.ts";

const BITS: Readonly<Record<string, bigint>> = {
  tinyint: 8n,
  smallint: 16n,
  mediumint: 24n,
  int: 32n,
  bigint: 64n,
};

/** Reads the columns of a table, by its database, or NULL for the current one, and its name. */
export const COLUMNS = `
  SELECT column_name AS name, data_type AS type, column_type AS full_type, character_maximum_length AS length,
    character_set_name AS charset, collation_name AS collation,
    is_nullable = 'NO' AND column_default IS NULL AND extra NOT REGEXP 'auto_increment|generated' AS is_required,
    (SELECT engine FROM information_schema.tables t
      WHERE t.table_schema = c.table_schema AND t.table_name = c.table_name) AS engine,
    EXISTS (SELECT index_name FROM information_schema.statistics x
      WHERE x.table_schema = c.table_schema AND x.table_name = c.table_name AND x.non_unique = 0
      GROUP BY index_name
      HAVING count(*) = 1 AND max(x.column_name) = c.column_name AND max(x.sub_part) IS NULL) AS is_key
  FROM information_schema.columns c WHERE table_schema = coalesce(?, database()) AND table_name = ?`;

/** @throws {RangeError} if plays cannot be added to the table. */
export function toColumns(names: SongTable, found: readonly SqlRow[]): SongColumns {
  const columns = found.map((row) => ({
    name: String(row["name"]),
    type: String(row["type"]),
    isRequired: Number(row["is_required"]) === 1,
    isKey: Number(row["is_key"]) === 1,
  }));
  const { id, plays, required } = checkSongTable(names, columns, {
    ids: ["varchar", "char", "text", "uuid", ...Object.keys(BITS)],
    plays: [...Object.keys(BITS), "decimal"],
  });
  const row = found.find(({ name }) => name === id.name) ?? {};
  if (row["engine"] !== "InnoDB")
    throw new RangeError(
      `${names.table} has the engine ${String(row["engine"])}, which has no transactions: ALTER TABLE ${names.table} ENGINE=InnoDB`,
    );
  const bits = BITS[id.type];
  const kind = bits !== undefined ? "integer" : id.type === "uuid" ? "uuid" : "text";
  return {
    kind,
    type: id.type,
    isLoose: kind === "text",
    charset: String(row["charset"]),
    collation: String(row["collation"]),
    length: kind === "text" ? Number(row["length"]) : undefined,
    ...rangeOf(bits ?? 64n, String(row["full_type"]).includes("unsigned")),
    required,
    isNarrow: !["bigint", "decimal"].includes(plays.type),
  };
}

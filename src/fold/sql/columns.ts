import { quoted } from "../../error-message.ts";
import type { SqlRow } from "./client.ts";

/**
 * Queries of the columns of a table, by its schema, or NULL for the default, and its name.
 *
 * `bytes` is the collation that compares bytes, and `digits` those of a decimal number before its point.
 */
export const COLUMN_QUERIES = {
  postgres: `
    SELECT a.attname::text AS name, format_type(a.atttypid, NULL) AS type, '"C"' AS bytes,
      CASE WHEN a.atttypmod > 4 THEN a.atttypmod - 4 END AS length,
      CASE WHEN a.atttypmod > 4 AND (a.atttypmod - 4) & 1024 = 0
        THEN ((a.atttypmod - 4) >> 16) - ((a.atttypmod - 4) & 1023)
        WHEN a.atttypmod > 4 THEN 0 END AS digits,
      format_type(a.atttypid, NULL) = 'citext' OR EXISTS (
        SELECT FROM pg_collation WHERE oid = a.attcollation AND NOT collisdeterministic) AS is_loose,
      a.attgenerated <> '' AS is_generated,
      a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS is_required,
      EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid
        AND i.indpred IS NULL AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) AS is_key,
      (SELECT concat(quote_ident(nspname), '.', quote_ident(collname)) FROM pg_collation c
        JOIN pg_namespace n ON n.oid = collnamespace WHERE c.oid = a.attcollation) AS collation,
      current_setting('server_encoding') AS encoding,
      (SELECT relkind = 'r' FROM pg_class WHERE oid = a.attrelid) AND EXISTS (
        SELECT FROM pg_inherits WHERE inhparent = a.attrelid) AS has_children,
      EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND NOT i.indimmediate) AS has_deferrable_key
    FROM pg_attribute a WHERE a.attnum > 0 AND NOT a.attisdropped
      AND a.attrelid = to_regclass(concat(quote_ident($1) || '.', quote_ident($2)))`,
  mysql: `
    SELECT column_name AS name, data_type AS type, character_maximum_length AS length,
      IF(version() LIKE '%mariadb%', 'utf8mb4_nopad_bin', 'utf8mb4_0900_bin') AS bytes,
      character_set_name AS charset, collation_name AS collation, character_set_name IS NOT NULL AS is_loose,
      numeric_precision - numeric_scale AS digits, column_type LIKE '%unsigned%' AS is_unsigned,
      extra REGEXP '(stored|virtual) generated' AS is_generated,
      is_nullable = 'NO' AND column_default IS NULL AND extra NOT REGEXP 'auto_increment|generated' AS is_required,
      (SELECT engine FROM information_schema.tables t
        WHERE t.table_schema = c.table_schema AND t.table_name = c.table_name) AS engine,
      EXISTS (SELECT index_name FROM information_schema.statistics x
        WHERE x.table_schema = c.table_schema AND x.table_name = c.table_name AND x.non_unique = 0
        GROUP BY index_name
        HAVING count(*) = 1 AND max(x.column_name) = c.column_name AND max(x.sub_part) IS NULL) AS is_key
    FROM information_schema.columns c WHERE table_schema = coalesce(?, database()) AND table_name = ?`,
  sqlite: `
    SELECT c.name, CASE WHEN upper(type) LIKE '%INT%' THEN 'bigint'
        WHEN type = '' OR upper(type) LIKE '%CHAR%' OR upper(type) LIKE '%TEXT%' THEN 'text' ELSE type END AS type,
      'BINARY' AS bytes, upper(type) NOT LIKE '%INT%' AS is_loose, hidden > 1 AS is_generated,
      "notnull" AND dflt_value IS NULL AND hidden = 0 AS is_required,
      (pk > 0 AND (SELECT count(*) FROM pragma_table_info(?2, ?1) WHERE pk > 0) = 1) OR EXISTS (
        SELECT 1 FROM pragma_index_list(?2, ?1) l WHERE l."unique" AND NOT l.partial
          AND (SELECT group_concat(name) FROM pragma_index_info(l.name, ?1)) = c.name) AS is_key
    FROM pragma_table_xinfo(?2, ?1) c`,
} as const;

/** The columns of ids and plays in a table of songs. Names are quoted. */
export interface SongColumns {
  idName: string;
  playsName: string;
  /** The columns of row `s`. */
  id: string;
  plays: string;
  /** Type of the ids, as far as it matters for comparing them. */
  kind: "text" | "integer" | "uuid";
  /** SQL type of the ids. */
  type: string;
  isUnsigned: boolean;
  /** True if the column takes ids for equal whose bytes differ. */
  isLoose: boolean;
  /** The collation that compares bytes. */
  bytes: string;
  /** Collation of the ids, if they are text. */
  collation: string;
  /** MySQL: character set of the ids. */
  charset: string;
  /** Returns true if a row can have this id, and no other id is that row's as well: `01` is not 1. */
  fits: (id: string) => boolean;
  /** Most plays of a song; `undefined` if the column has no limit. */
  maxPlays: bigint | undefined;
  /** Other columns without a default that must not be NULL. */
  required: string[];
  /** PostgreSQL: true if a unique key may be checked later, which ON CONFLICT refuses. */
  hasDeferrableKey: boolean;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const INTEGER = /^(?:0|-?[1-9]\d{0,19})$/;

const TEXTS = ["text", "character varying", "citext", "varchar", "char"];
const DECIMALS = ["decimal", "numeric"];
const BITS: Readonly<Record<string, bigint>> = {
  ...{ tinyint: 8n, smallint: 16n, mediumint: 24n, int: 32n, integer: 32n, bigint: 64n },
};

/** The names of a table and of two of its columns. */
type Names = Readonly<Record<"table" | "id" | "plays", string>>;

/**
 * Chooses the columns of ids and plays among those that a query has found in a table.
 *
 * @throws {RangeError} if a column is missing or has a wrong type, or the ids are not unique.
 */
export function chooseColumns(
  names: Names,
  rows: readonly SqlRow[],
  quote: (name: string) => string,
): SongColumns {
  if (rows.length === 0)
    throw new RangeError(`the database has no table ${quoted(names.table)}: see --table`);
  const find = (name: string, flag: string): SqlRow => {
    const isSame = (row: SqlRow) => String(row["name"]).toLowerCase() === name.toLowerCase();
    const row = rows.find((found) => found["name"] === name) ?? rows.find(isSame);
    if (row !== undefined) return row;
    throw new RangeError(`${quoted(names.table)} has no column ${quoted(name)}: see ${flag}`);
  };
  const [ids, counts] = [find(names.id, "--id"), find(names.plays, "--plays")];
  const fault = faultOf(names, ids, counts);
  if (fault !== undefined) throw new RangeError(fault);
  const [idName, playsName] = [quote(String(ids["name"])), quote(String(counts["name"]))];
  const [type, bits, playsBits] = [String(ids["type"]), bitsOf(ids), bitsOf(counts)];
  const kind = bits !== undefined ? "integer" : type === "uuid" ? "uuid" : "text";
  const isUnsigned = isTrue(ids["is_unsigned"]);
  const max = greatest(bits ?? 0n, isUnsigned);
  const min = isUnsigned ? 0n : -max - 1n;
  const length = Number(ids["length"] ?? Infinity);
  const digits = counts["digits"];
  const greatestDecimal = digits == null ? undefined : 10n ** BigInt(Number(digits)) - 1n;
  const required = rows.filter((row) => isTrue(row["is_required"]) && row !== ids && row !== counts);
  return {
    ...{ idName, playsName, id: `s.${idName}`, plays: `s.${playsName}` },
    ...{ kind, type, isUnsigned, isLoose: isTrue(ids["is_loose"]), bytes: String(ids["bytes"]) },
    ...{ charset: String(ids["charset"]), collation: String(ids["collation"]) },
    fits: {
      text: (id: string) => id.length <= length || [...id].length <= length,
      integer: (id: string) => INTEGER.test(id) && BigInt(id) >= min && BigInt(id) <= max,
      uuid: (id: string) => UUID.test(id),
    }[kind],
    maxPlays: playsBits === undefined ? greatestDecimal : greatest(playsBits, isTrue(counts["is_unsigned"])),
    required: required.map(({ name }) => String(name)),
    hasDeferrableKey: isTrue(ids["has_deferrable_key"]),
  };
}

/** Returns the reason if plays cannot be added exactly to the rows of ids. */
function faultOf({ table, id, plays }: Names, ids: SqlRow, counts: SqlRow): string | undefined {
  const [type, playsType, engine] = [String(ids["type"]), String(counts["type"]), ids["engine"]];
  if (bitsOf(ids) === undefined && type !== "uuid" && !TEXTS.includes(type))
    return `${quoted(id)} must be text, a whole number or a uuid, not ${type}`;
  if (bitsOf(counts) === undefined && !DECIMALS.includes(playsType))
    return `${quoted(plays)} must be a whole number, such as bigint, not ${playsType}`;
  if (counts["digits"] != null && Number(counts["digits"]) < 1)
    return `${quoted(plays)} must be a whole number, such as bigint, not one without digits before its point`;
  if (isTrue(counts["is_generated"]))
    return `${quoted(plays)} is a generated column, to which nothing can be added`;
  if (!isTrue(ids["is_key"]))
    return `${quoted(id)} must be the primary key of ${quoted(table)}, or unique: each of two rows would get the plays of one song`;
  if (engine !== undefined && engine !== "InnoDB")
    return `${table} has the engine ${String(engine)}, which has no transactions: ALTER TABLE ${table} ENGINE=InnoDB`;
  if (isTrue(ids["has_children"]))
    return `${quoted(table)} has tables that inherit from it, whose rows would get its plays as well: NO INHERIT them, or partition it`;
  if ((ids["encoding"] ?? "UTF8") !== "UTF8")
    return `the database has the encoding ${String(ids["encoding"])}, which lacks characters of ids; it needs UTF8`;
  return undefined;
}

function bitsOf(column: SqlRow): bigint | undefined {
  return BITS[String(column["type"])];
}

function greatest(bits: bigint, isUnsigned: boolean): bigint {
  return (1n << (isUnsigned ? bits : bits - 1n)) - 1n;
}

/** Databases write a boolean as `true`, as 1, or as "1". */
function isTrue(value: unknown): boolean {
  return Number(value) === 1;
}

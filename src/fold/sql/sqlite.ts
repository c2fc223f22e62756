import type { Rows } from "../rows.ts";
import type { SqlError, SqlRunner } from "./client.ts";
import { rangeOf, type SongColumns } from "./column.ts";
import { Database, type ErrorMeanings, jsonOf, partition, type TableTypes } from "./database.ts";
import { checkSongTable } from "./song-table.ts";

const COLUMNS = `
  SELECT c.name, CASE WHEN upper(type) LIKE '%INT%' THEN 'INTEGER'
      WHEN type = '' OR upper(type) LIKE '%CHAR%' OR upper(type) LIKE '%TEXT%' THEN 'TEXT' ELSE type END AS type,
    "notnull" AND dflt_value IS NULL AS is_required,
    (pk > 0 AND (SELECT count(*) FROM pragma_table_info(?1) WHERE pk > 0) = 1) OR EXISTS (
      SELECT 1 FROM pragma_index_list(?1) l WHERE l."unique" AND NOT l.partial
        AND (SELECT group_concat(name) FROM pragma_index_info(l.name)) = c.name) AS is_key
  FROM pragma_table_info(?1) c`;

/** SQLite. Placeholders are numbered: `$2` would be the second one that stands in the statement. */
export class Sqlite extends Database {
  readonly forUpdate = ""; // BEGIN IMMEDIATE has the lock
  readonly types: TableTypes = { name: "TEXT", id: "TEXT", time: "TEXT", end: "" };
  readonly meanings: ErrorMeanings = {
    transient: /^(?:5|6|10|13) /, // BUSY, LOCKED, IOERR, FULL
    locked: /^$/,
    "missing table": /no such table/,
    duplicate: /UNIQUE constraint/,
    denied: /^(?:14|26) /, // CANTOPEN, NOTADB
  };
  readonly insertion = ["INSERT", " ON CONFLICT DO NOTHING"] as const;
  readonly orAdd = "ON CONFLICT (name, id) DO UPDATE SET plays = playcount_unknown.plays + excluded.plays";
  readonly placeholder = "?";

  protected quotePart(name: string): string {
    return `"${name.replaceAll('"', '""')}"`;
  }

  /** Without that of an extended error. */
  protected override codeOf({ errno = 0 }: SqlError): string {
    return String(Number(errno) & 0xff);
  }

  get isStored(): string {
    const isInteger = this.columns.kind === "integer";
    return `s.${this.id} <= ${isInteger ? "CAST(f.upto AS INTEGER)" : "f.upto COLLATE BINARY"}`;
  }

  get isKept(): string {
    const id = `s.${this.id}`;
    if (this.columns.kind === "text") return `${id} = k.id COLLATE BINARY`;
    return `${id} = CAST(k.id AS INTEGER) AND CAST(${id} AS TEXT) = k.id`;
  }

  songs(): string {
    return "(SELECT value->>0 AS id, value->>1 AS plays FROM json_each(?1)) AS f";
  }

  valuesOf(rows: Rows): unknown[] {
    return [jsonOf(rows)];
  }

  timeOf(time: Date): string {
    return this.literal(time.toISOString());
  }

  async readColumns(): Promise<SongColumns> {
    await this.client.unsafe(`PRAGMA busy_timeout = ${this.lockSeconds * 1000}`);
    const { table } = this.names;
    const found = await this.run(this.client, COLUMNS, [table]);
    const columns = found.map((row) => ({
      name: String(row["name"]),
      type: String(row["type"]),
      isRequired: row["is_required"] === 1,
      isKey: row["is_key"] === 1,
    }));
    const types = { ids: ["INTEGER", "TEXT"], plays: ["INTEGER"] };
    const { id, required } = checkSongTable(this.names, columns, types);
    const kind = id.type === "INTEGER" ? "integer" : "text";
    return { kind, type: id.type, isLoose: false, ...rangeOf(64n), required, isNarrow: false };
  }

  async add(tx: SqlRunner, rows: Rows): Promise<Rows> {
    const isInteger = this.columns.kind === "integer";
    const same = `s.${this.id} = ${isInteger ? "CAST(f.id AS INTEGER)" : "f.id COLLATE BINARY"}`;
    // Past 2^63 - 1 SQLite would go on with a floating-point number.
    const found = await this.run(
      tx,
      `UPDATE ${this.table} AS s SET ${this.plays} = coalesce(s.${this.plays}, 0) + f.plays
      FROM ${this.songs()} WHERE ${same}
      RETURNING CAST(${this.id} AS TEXT) AS id, typeof(${this.plays}) AS type`,
      this.valuesOf(rows),
    );
    const odd = found.find(({ type }) => type !== "integer");
    if (odd !== undefined)
      throw new Error(`the plays of ${String(odd["id"])} are no whole number up to 2^63 - 1`);
    if (found.length === rows.ids.length) return { ids: [], plays: [] };
    const known = new Set(found.map(({ id }) => String(id)));
    return partition(rows, (id) => !known.has(id))[0];
  }

  async begin(act: (tx: SqlRunner) => Promise<void>): Promise<void> {
    await this.client.begin("IMMEDIATE", act);
  }
}

import type { Rows } from "../rows.ts";
import type { SqlRunner } from "./client.ts";
import { rangeOf, type SongColumns } from "./column.ts";
import { Database, type ErrorMeanings, type TableTypes } from "./database.ts";
import { checkSongTable, type FoundColumn } from "./song-table.ts";

const BITS: Readonly<Record<string, bigint>> = { smallint: 16n, integer: 32n, bigint: 64n };

const COLUMNS = `
  SELECT a.attname::text AS name, format_type(a.atttypid, NULL) AS type,
    CASE WHEN a.atttypmod > 4 THEN a.atttypmod - 4 END AS length,
    (SELECT NOT collisdeterministic FROM pg_collation WHERE oid = a.attcollation) AS is_loose,
    a.attnotnull AND NOT a.atthasdef AND a.attidentity = '' AS is_required,
    EXISTS (SELECT FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique AND i.indisvalid
      AND i.indpred IS NULL AND i.indkey::text = a.attnum::text) AS is_key
  FROM pg_attribute a WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped`;

/** PostgreSQL. */
export class Postgres extends Database {
  readonly forUpdate = "FOR UPDATE NOWAIT";
  readonly types: TableTypes = { name: "text", id: 'text COLLATE "C"', time: "timestamptz", end: "" };
  readonly meanings: ErrorMeanings = {
    transient: /^(?:08|40|53|57P|58|25P03|55P03|57014|ERR_POSTGRES_(?:CONNECTION|IDLE|LIFETIME))/,
    locked: /^55P03/,
    "missing table": /^42P01/,
    duplicate: /^(?:23505|42P07)/,
    denied: /^(?:28|3D|42501)/,
  };
  readonly insertion = ["INSERT", " ON CONFLICT DO NOTHING"] as const;
  readonly orAdd = "ON CONFLICT (name, id) DO UPDATE SET plays = playcount_unknown.plays + excluded.plays";
  readonly placeholder = "$1";

  protected quotePart(name: string): string {
    return `"${name.replaceAll('"', '""')}"`;
  }

  get isStored(): string {
    const { kind, isLoose } = this.columns;
    const id = `s.${this.id}`;
    if (kind === "integer") return `${id} <= f.upto::bigint`;
    return `${kind === "uuid" || isLoose ? `${id}::text` : id} COLLATE "C" <= f.upto`;
  }

  get isKept(): string {
    const { kind, isLoose } = this.columns;
    return `s.${this.id}${kind === "text" && !isLoose ? "" : "::text"} = k.id`;
  }

  songs(as: "ids" | "text"): string {
    return `unnest($1::${as === "ids" ? this.columns.type : "text"}[], $2::bigint[]) AS f(id, plays)`;
  }

  valuesOf({ ids, plays }: Rows): unknown[] {
    return [ids, plays];
  }

  timeOf(time: Date): string {
    return `${this.literal(time.toISOString())}::timestamptz`;
  }

  async readColumns(): Promise<SongColumns> {
    const found = await this.run(this.client, COLUMNS, [this.table]);
    const columns = found.map((row): FoundColumn => ({
      name: String(row["name"]),
      type: String(row["type"]),
      isRequired: row["is_required"] === true,
      isKey: row["is_key"] === true,
    }));
    const { id, plays, required } = checkSongTable(this.names, columns, {
      ids: ["text", "character varying", "citext", "uuid", ...Object.keys(BITS)],
      plays: [...Object.keys(BITS), "numeric"],
    });
    const row = found.find(({ name }) => name === id.name);
    const bits = BITS[id.type];
    const kind = bits !== undefined ? "integer" : id.type === "uuid" ? "uuid" : "text";
    return {
      kind,
      type: { integer: "bigint", uuid: "uuid", text: id.type === "citext" ? "citext" : "text" }[kind],
      isLoose: id.type === "citext" || row?.["is_loose"] === true,
      length: row?.["length"] == null ? undefined : Number(row["length"]),
      ...rangeOf(bits ?? 64n),
      required,
      isNarrow: ["smallint", "integer"].includes(plays.type),
    };
  }

  async add(tx: SqlRunner, rows: Rows): Promise<Rows> {
    // Byte for byte only where it is needed: the planner then expects fewer rows.
    const same = `s.${this.id} = f.id${this.columns.isLoose ? ` AND s.${this.id}::text COLLATE "C" = f.id::text` : ""}`;
    const unknown = await this.run(
      tx,
      `WITH f AS MATERIALIZED (SELECT * FROM ${this.songs("ids")}),
        done AS (UPDATE ${this.table} s SET ${this.plays} = coalesce(s.${this.plays}, 0) + f.plays
          FROM f WHERE ${same} RETURNING f.id)
      SELECT id::text AS id, plays FROM f WHERE NOT EXISTS (SELECT FROM done WHERE done.id = f.id)`,
      this.valuesOf(rows),
    );
    return { ids: unknown.map(({ id }) => String(id)), plays: unknown.map((row) => Number(row["plays"])) };
  }

  async begin(act: (tx: SqlRunner) => Promise<void>): Promise<void> {
    await this.client.begin("ISOLATION LEVEL READ COMMITTED", async (tx) => {
      // A row that a policy hides would be taken for a missing one.
      await tx.unsafe(`SET LOCAL row_security = off; SET LOCAL lock_timeout = '${this.lockSeconds}s'`);
      await act(tx);
    });
  }
}

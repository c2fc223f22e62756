import type { Rows } from "../rows.ts";
import type { SqlRunner } from "./client.ts";
import type { SongColumns } from "./column.ts";
import { Database, type ErrorMeanings, jsonOf, partition, type TableTypes } from "./database.ts";
import { COLUMNS, toColumns } from "./mysql-columns.ts";

/** MariaDB and MySQL. */
export class MySql extends Database {
  readonly forUpdate = "FOR UPDATE NOWAIT";
  readonly meanings: ErrorMeanings = {
    // Lock wait, deadlock, connection killed or refused, read-only during a failover.
    transient:
      /^(?:1205|3572|1213|1053|1152|1158|1159|1160|1161|1180|1290|1040|1203|1927|4031|1317|ERR_MYSQL_(?:CONNECTION|IDLE|LIFETIME))/,
    locked: /^(?:1205|3572) /,
    "missing table": /^1146 /,
    duplicate: /^(?:1062|1050) /,
    denied: /^(?:1044|1045|1049|1142|1698) /,
  };
  readonly insertion = ["INSERT IGNORE", ""] as const;
  readonly orAdd = "ON DUPLICATE KEY UPDATE plays = playcount_unknown.plays + VALUES(plays)";
  readonly placeholder = "?";
  /** Compares bytes, spaces at the end included. MySQL has it under another name. */
  #bytes = "utf8mb4_nopad_bin";

  protected quotePart(name: string): string {
    return `\`${name.replaceAll("`", "``")}\``;
  }

  override literal(text: string): string {
    return super.literal(text.replaceAll("\\", "\\\\"));
  }

  get types(): TableTypes {
    const end = ` ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE ${this.#bytes}`;
    return { name: "varchar(190)", id: "varchar(512)", time: "datetime(3)", end };
  }

  get isStored(): string {
    const { kind, min } = this.columns;
    if (kind === "integer") return `s.${this.id} <= CAST(f.upto AS ${min === 0n ? "unsigned" : "signed"})`;
    return `${this.#text} COLLATE ${this.#bytes} <= f.upto`;
  }

  get isKept(): string {
    return this.columns.kind === "text" ? this.#sameAs("k") : `${this.#text} COLLATE ${this.#bytes} = k.id`;
  }

  songs(as: "ids" | "text"): string {
    const { kind, min } = this.columns;
    const isInteger = as === "ids" && kind === "integer";
    const integer = `bigint${min === 0n ? " unsigned" : ""}`;
    const type = isInteger ? integer : `varchar(512) CHARACTER SET utf8mb4 COLLATE ${this.#bytes}`;
    return `JSON_TABLE(?, '$[*]' COLUMNS (id ${type} PATH '$[0]', plays bigint PATH '$[1]')) f`;
  }

  valuesOf(rows: Rows): unknown[] {
    return [jsonOf(rows)];
  }

  timeOf(time: Date): string {
    return this.literal(time.toISOString().slice(0, -1).replace("T", " "));
  }

  async readColumns(): Promise<SongColumns> {
    const [about] = await this.run(this.client, "SELECT version() AS version");
    if (!/mariadb/i.test(String(about?.["version"]))) this.#bytes = "utf8mb4_0900_bin";
    const [first = "", second] = this.names.table.split(".");
    const names = second === undefined ? [null, first] : [first, second];
    return toColumns(this.names, await this.run(this.client, COLUMNS, names));
  }

  async add(tx: SqlRunner, rows: Rows): Promise<Rows> {
    const [fitting, odd] = await this.#divide(tx, rows);
    if (fitting.ids.length === 0) return odd;
    const unknown = await this.#addFitting(tx, fitting);
    return { ids: [...unknown.ids, ...odd.ids], plays: [...unknown.plays, ...odd.plays] };
  }

  /** An UPDATE would fail for an id that the column's character set lacks; a SELECT does not. */
  async #divide(tx: SqlRunner, rows: Rows): Promise<[fitting: Rows, odd: Rows]> {
    const { charset, kind } = this.columns;
    const isPlain = rows.ids.every((id) => /^[\0-\x7f]*$/.test(id));
    if (kind !== "text" || charset === "utf8mb4" || isPlain) return [rows, { ids: [], plays: [] }];
    const found = await this.run(
      tx,
      `SELECT f.id FROM ${this.songs("ids")} WHERE CONVERT(CONVERT(f.id USING ${charset}) USING utf8mb4) COLLATE ${this.#bytes} = f.id`,
      this.valuesOf(rows),
    );
    const good = new Set(found.map(({ id }) => id));
    return partition(rows, (id) => good.has(id));
  }

  /**
   * If rows are missing, those that exist are found and locked before they are changed: a row that comes or
   * goes in between would get the plays twice, or not at all.
   */
  async #addFitting(tx: SqlRunner, rows: Rows): Promise<Rows> {
    const { plays } = this;
    const update = `UPDATE ${this.songs("ids")} STRAIGHT_JOIN ${this.table} s ON ${this.#sameAs("f")} SET s.${plays} = coalesce(s.${plays}, 0) + f.plays`;
    await this.run(tx, "SAVEPOINT part");
    if ((await this.run(tx, update, this.valuesOf(rows))).affectedRows === rows.ids.length)
      return { ids: [], plays: [] };
    await this.run(tx, "ROLLBACK TO SAVEPOINT part");
    const locked = await this.run(
      tx,
      `SELECT CAST(f.id AS char CHARACTER SET utf8mb4) AS id FROM ${this.songs("ids")} STRAIGHT_JOIN ${this.table} s ON ${this.#sameAs("f")} FOR UPDATE`,
      this.valuesOf(rows),
    );
    const found = new Set(locked.map(({ id }) => String(id)));
    const [known, unknown] = partition(rows, (id) => found.has(id));
    if (known.ids.length === 0) return unknown;
    const { affectedRows } = await this.run(tx, update, this.valuesOf(known));
    if (affectedRows === known.ids.length) return unknown;
    throw new Error(`${affectedRows} rows were changed instead of ${known.ids.length}; is foundRows set?`);
  }

  async begin(act: (tx: SqlRunner) => Promise<void>): Promise<void> {
    // At REPEATABLE READ gaps are locked, and others could not insert songs.
    await this.client.unsafe("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED");
    await this.client.unsafe(`SET SESSION innodb_lock_wait_timeout = ${this.lockSeconds}`);
    await this.client.begin(act);
  }

  /** The id of row `s` as text. */
  get #text(): string {
    return `CAST(s.${this.id} AS char CHARACTER SET utf8mb4)`;
  }

  /** By the index as the column has it, and then byte for byte: `A` is not `a`, and `a ` not `a`. */
  #sameAs(other: string): string {
    const { kind, charset, collation } = this.columns;
    const id = `s.${this.id}`;
    if (kind !== "text") return `${id} = ${other}.id`;
    return `${id} = CONVERT(${other}.id USING ${charset}) COLLATE ${collation} AND ${this.#text} COLLATE ${this.#bytes} = ${other}.id`;
  }
}

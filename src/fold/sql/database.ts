import { quoted } from "../../error-message.ts";
import type { SongPlays } from "../songs.ts";
import { type FoldState, JobRefusal } from "../target.ts";
import { describeSqlError, type SqlClient, type SqlResult, type SqlRunner } from "./client.ts";
import { chooseColumns, COLUMN_QUERIES, type SongColumns } from "./columns.ts";
import { Connection, type DatabaseLimits } from "./connection.ts";
import { type DialectName, DIALECTS } from "./dialects.ts";

/** Most characters of a job's name: labels of folds have 200, of which it needs to be told from others. */
const MAX_NAME = 185;

/** The table of songs, and the names of the job in it. */
export interface TableNames {
  /** With its schema, if it has one: `music.song`. A part with a dot is quoted: `music."my.song"`. */
  table: string;
  id: string;
  plays: string;
  /** The job's row in `playcount_fold`. */
  name: string;
  /** A table that gets a row for each song and fold. */
  history?: string | undefined;
}

/** A database with a table of songs: the statements of a job. */
export class Database extends Connection {
  readonly names: TableNames;
  /** The table of songs, that of the history, and the name of the job, as statements have them. */
  readonly table: string;
  readonly history: string | undefined;
  readonly name: string;
  /** The columns, once {@linkcode readColumns} has found them. */
  song!: SongColumns;
  readonly kind: DialectName;

  constructor(kind: DialectName, client: SqlClient, names: TableNames, limits: DatabaseLimits) {
    super(client, DIALECTS[kind], limits);
    this.names = names;
    this.table = this.#quote(...partsOf(names.table));
    this.history = names.history && this.#quote(...partsOf(names.history));
    this.name = this.dialect.literal(names.name);
    this.kind = kind;
  }

  /** @throws {RangeError} if plays cannot be added to the table, or the database refuses. */
  async readColumns(): Promise<void> {
    const { table, history, name } = this.names;
    for (const [flag, path] of Object.entries({ table, ...(history !== undefined && { history }) }))
      if (partsOf(path).length === 0) throw new RangeError(`--${flag} must be a name, not ${quoted(path)}`);
    if (name.length > MAX_NAME)
      throw new RangeError(`--name must have at most ${MAX_NAME} characters, not ${name.length}`);
    try {
      const { connection } = this.dialect;
      if (connection !== undefined) await this.run(this.client, connection(this.limits.lockSeconds));
      await this.#findColumns(this.client);
    } catch (error) {
      throw this.refusalOf(error);
    }
  }

  /**
   * Reads the columns again, and keeps them as they are until the transaction ends: how ids are compared
   * depends on their type, which may have changed since the last one.
   *
   * @throws {RangeError} as {@linkcode readColumns}.
   */
  async holdColumns(tx: SqlRunner): Promise<void> {
    await this.run(tx, `SELECT 1 FROM ${this.table} LIMIT 0`); // its lock keeps ALTER TABLE out
    await this.#findColumns(tx);
  }

  async #findColumns(on: SqlRunner): Promise<void> {
    const path = [null, ...partsOf(this.names.table)].slice(-2);
    const found = await this.query(on, COLUMN_QUERIES[this.kind], path);
    this.song = chooseColumns(this.names, found, (name) => this.#quote(name));
  }

  /** Runs a statement, which may read `rows` as rows `f`, or one text. */
  async run(on: SqlRunner, statement: string, rows?: SongPlays | string): Promise<SqlResult> {
    const values = rows === undefined ? [] : typeof rows === "string" ? [rows] : this.dialect.values(rows);
    return await this.query(on, statement, values);
  }

  /** Statements that make the job's tables, if they are missing. */
  get schema(): string[] {
    const { name, id, time, end } = this.dialect.types(this.song.bytes);
    const make = (table: string, columns: string) => `CREATE TABLE IF NOT EXISTS ${table} (${columns})${end}`;
    const done = `sealed bigint, upto ${id}, servers text, done_at ${time}`;
    const tables = [
      make("playcount_fold", `name ${name} PRIMARY KEY, fold bigint NOT NULL, ${done}`),
      make("playcount_unknown", `name ${name}, id ${id}, plays bigint NOT NULL, PRIMARY KEY (name, id)`),
    ];
    const columns = `id ${id}, fold bigint, sealed_at ${time} NOT NULL, plays bigint NOT NULL, PRIMARY KEY (fold, id)`;
    return this.history === undefined ? tables : [...tables, make(this.history, columns)];
  }

  /** @throws {JobRefusal} with the statements, if a table may not be created. */
  async createTables(): Promise<void> {
    const { client, schema } = this;
    for (const statement of schema)
      await this.run(client, statement).catch((error: unknown) => {
        if (this.means("duplicate", error)) return; // another job has created it
        if (error instanceof JobRefusal || this.means("transient", error)) throw error;
        throw new JobRefusal(
          `cannot create tables: ${describeSqlError(error)}. Let a user create them that may:\n${schema.join(";\n")};`,
        );
      });
  }

  /** The statement of a page: the plays of a song with those that are kept, and the fold for `after`. */
  get page(): string {
    const { song, table, name, dialect } = this;
    const { placeholder } = dialect;
    const text = dialect.text(song);
    const kept = `SELECT k.plays FROM playcount_unknown k WHERE k.name = ${name} AND k.id = ${text}`;
    const plays = `coalesce(${song.plays}, 0) + coalesce((${kept}), 0) AS plays`;
    const fold = `CASE WHEN ${text} <= f.upto THEN f.sealed ELSE coalesce(f.fold, 0) END AS fold`;
    const fromSong = song.isLoose
      ? `(SELECT ${placeholder} AS id) p JOIN ${table} s ON ${this.#hasIdOf("p")}`
      : `${table} s`;
    const where = song.isLoose ? "" : ` WHERE ${song.id} = ${placeholder}`;
    return `SELECT ${plays}, ${fold} FROM ${fromSong} LEFT JOIN playcount_fold f ON f.name = ${name}${where}`;
  }

  /** Reads the state of a job, and locks it by `lock`. */
  async findState(on: SqlRunner, lock = ""): Promise<FoldState | undefined> {
    const statement = `SELECT fold, sealed, upto, servers FROM playcount_fold WHERE name = ${this.name} ${lock}`;
    const [row] = await this.run(on, statement);
    if (row === undefined) return undefined;
    const { fold, sealed, upto, servers } = row;
    return {
      fold: Number(fold),
      intended: sealed == null ? undefined : Number(sealed),
      upto: upto == null ? undefined : String(upto),
      servers: servers == null ? undefined : String(servers),
    };
  }

  /** Returns the name of another job that has a fold as its own. */
  async findOtherJob(fold: number): Promise<string | undefined> {
    const statement = `SELECT name FROM playcount_fold WHERE ${fold} IN (fold, sealed) AND name <> ${this.name}`;
    const [row] = await this.run(this.client, statement);
    return row === undefined ? undefined : String(row["name"]);
  }

  /** Changes the state of a job. */
  async changeState(tx: SqlRunner, set: string, value?: string): Promise<void> {
    await this.run(tx, `UPDATE playcount_fold SET ${set} WHERE name = ${this.name}`, value);
  }

  /** The songs of a fold, as rows `f`. */
  get songs(): string {
    return this.dialect.songs(this.song.bytes);
  }

  /** Adds the plays of row `f` to row `s`. */
  get increment(): string {
    const { playsName, plays } = this.song;
    return `${playsName} = coalesce(${plays}, 0) + f.plays`;
  }

  /** True if row `s` has the id of a row `f`, or `k` of `playcount_unknown`, and room for its plays. */
  isRowOf(other: "f" | "k"): string {
    const { plays, maxPlays } = this.song;
    const hasRoom = `coalesce(${plays}, 0) <= ${maxPlays} - ${other}.plays`;
    return this.#hasIdOf(other) + (maxPlays === undefined ? "" : ` AND ${hasRoom}`);
  }

  #hasIdOf(other: "f" | "k" | "p"): string {
    const { typed, typedIfId = typed, text } = this.dialect;
    const { id, isLoose } = this.song;
    const isSame = `${id} = ${(other === "k" ? typedIfId : typed)(this.song, `${other}.id`)}`;
    // Byte for byte only where it is needed: planners then expect fewer rows.
    return isLoose || other === "k" ? `${isSame} AND ${text(this.song)} = ${other}.id` : isSame;
  }

  #quote(...path: string[]): string {
    const { quote } = this.dialect;
    return path.map((part) => quote + part.replaceAll(quote, quote + quote) + quote).join(".");
  }
}

/** Returns the names of a path, as `music` and `my.song` of `music."my.song"`. */
function partsOf(path: string): string[] {
  const parts = path.match(/"(?:[^"]|"")+"(?=\.|$)|[^.]+/g) ?? [];
  return parts.map((part) => (/^".+"$/.test(part) ? part.slice(1, -1).replaceAll('""', '"') : part));
}

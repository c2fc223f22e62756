import type { SongPlays } from "../songs.ts";
import { type FoldState, JobRefusal } from "../target.ts";
import { describeSqlError, type SqlClient, type SqlError, type SqlResult, type SqlRunner } from "./client.ts";
import { chooseColumns, COLUMN_QUERIES } from "./columns.ts";
import type { Dialect, SongTable, SongDatabase } from "./dialect.ts";
import { type DialectName, DIALECTS } from "./dialects.ts";

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
export class Database implements SongDatabase {
  readonly client: SqlClient;
  readonly names: TableNames;
  readonly dialect: Dialect;
  /** The table, once {@linkcode readColumns} has found it. */
  song!: SongTable;
  readonly #kind: DialectName;
  readonly #lockSeconds: number;

  constructor(kind: DialectName, client: SqlClient, names: TableNames, lockSeconds: number) {
    this.client = client;
    this.names = names;
    this.dialect = DIALECTS[kind];
    this.#kind = kind;
    this.#lockSeconds = lockSeconds;
  }

  /** @throws {RangeError} if plays cannot be added to the table, or the database refuses. */
  async readColumns(): Promise<void> {
    const found = await this.#findColumns().catch((error: unknown) => {
      throw this.refusalOf(error);
    });
    const { dialect, names } = this;
    const columns = chooseColumns(names, found);
    const { quote } = dialect;
    const quoteAll = (parts: readonly string[]) =>
      parts.map((part) => quote + part.replaceAll(quote, quote + quote) + quote).join(".");
    const [idName, playsName] = [quoteAll([columns.id]), quoteAll([columns.plays])];
    const [id, plays] = [`s.${idName}`, `s.${playsName}`];
    this.song = {
      ...{ ...columns, idName, playsName, id, plays },
      increment: `${playsName} = coalesce(${plays}, 0) + f.plays`,
      songs: dialect.songs(columns.bytes),
      table: quoteAll(partsOf(names.table)),
      history: names.history && quoteAll(partsOf(names.history)),
      name: dialect.literal(names.name),
    };
  }

  async #findColumns(): Promise<SqlResult> {
    const { connection } = this.dialect;
    if (connection !== undefined) await this.run(this.client, connection(this.#lockSeconds));
    const path = [null, ...partsOf(this.names.table)].slice(-2);
    return (await this.client.unsafe(COLUMN_QUERIES[this.#kind], path)) as SqlResult;
  }

  /** Runs a transaction in which a statement sees what was committed before it. */
  async begin(act: (tx: SqlRunner) => Promise<void>): Promise<void> {
    const { begin, transaction } = this.dialect;
    const begun = async (tx: SqlRunner) => {
      for (const statement of transaction(this.#lockSeconds)) await this.run(tx, statement);
      await act(tx);
    };
    await (begin === undefined ? this.client.begin(begun) : this.client.begin(begin, begun));
  }

  async run(on: SqlRunner, statement: string, rows?: SongPlays | string): Promise<SqlResult> {
    const values = rows === undefined ? [] : typeof rows === "string" ? [rows] : this.dialect.values(rows);
    return (await on.unsafe(statement, values)) as SqlResult;
  }

  /** Returns true if an error of the database has a meaning. */
  means(meaning: keyof Dialect["errors"], error: unknown): boolean {
    const { errno, code, message } = error as SqlError;
    const parts = [errno, code, message].filter((part) => part !== undefined && part !== "");
    return this.dialect.errors[meaning].test(parts.join(" "));
  }

  /** Makes a RangeError of an error that will not go away by itself. */
  refusalOf(error: unknown): unknown {
    if (error instanceof RangeError || error instanceof JobRefusal || this.means("transient", error))
      return error;
    const reason = describeSqlError(error);
    const advice = "; the job needs all rights on its tables, see --print-schema";
    const message = `the database refuses: ${reason}${reason.includes("playcount_") ? advice : ""}`;
    return new RangeError(message, { cause: error });
  }

  /** Statements that make the job's tables, if they are missing. */
  get schema(): string[] {
    const { bytes, history } = this.song;
    const { name, id, time, end } = this.dialect.types(bytes);
    const make = (table: string, columns: string) => `CREATE TABLE IF NOT EXISTS ${table} (${columns})${end}`;
    const done = `sealed bigint, upto ${id}, servers text, done_at ${time}`;
    const tables = [
      make("playcount_fold", `name ${name} PRIMARY KEY, fold bigint NOT NULL, ${done}`),
      make("playcount_unknown", `name ${name}, id ${id}, plays bigint NOT NULL, PRIMARY KEY (name, id)`),
    ];
    const columns = `id ${id}, fold bigint, sealed_at ${time} NOT NULL, plays bigint NOT NULL, PRIMARY KEY (fold, id)`;
    return history === undefined ? tables : [...tables, make(history, columns)];
  }

  /** @throws {JobRefusal} with the statements, if a table may not be created. */
  async createTables(): Promise<void> {
    const { client, schema } = this;
    for (const statement of schema)
      await this.run(client, statement).catch((error: unknown) => {
        if (this.means("duplicate", error)) return; // another job has created it
        if (this.means("transient", error)) throw error;
        throw new JobRefusal(
          `cannot create tables: ${describeSqlError(error)}. Let a user create them that may:\n${schema.join(";\n")};`,
        );
      });
  }

  /** The statement of a page: the plays of a song with those that are kept, and the fold for `after`. */
  get page(): string {
    const { song, dialect } = this;
    const { text, placeholder } = dialect;
    const kept = `SELECT k.plays FROM playcount_unknown k WHERE k.name = ${song.name} AND k.id = ${text(song)}`;
    const plays = `coalesce(${song.plays}, 0) + coalesce((${kept}), 0) AS plays`;
    const fold = `CASE WHEN ${text(song)} <= f.upto THEN f.sealed ELSE coalesce(f.fold, 0) END AS fold`;
    const fromSong = song.isLoose
      ? `(SELECT ${placeholder} AS id) p JOIN ${song.table} s ON ${this.#hasIdOf("p")}`
      : `${song.table} s`;
    const where = song.isLoose ? "" : ` WHERE ${song.id} = ${placeholder}`;
    return `SELECT ${plays}, ${fold} FROM ${fromSong} LEFT JOIN playcount_fold f ON f.name = ${song.name}${where}`;
  }

  /** Reads the state of a job, and locks it by `lock`. */
  async findState(on: SqlRunner, lock = ""): Promise<FoldState | undefined> {
    const statement = `SELECT fold, sealed, upto, servers FROM playcount_fold WHERE name = ${this.song.name} ${lock}`;
    const [row] = await this.run(on, statement);
    if (row === undefined) return undefined;
    const { fold, sealed, upto, servers } = row;
    return {
      fold: Number(fold),
      sealed: sealed == null ? undefined : Number(sealed),
      upto: upto == null ? undefined : String(upto),
      servers: servers == null ? undefined : String(servers),
    };
  }

  /** Returns the name of another job that has a fold as its own. */
  async findOtherJob(fold: number): Promise<string | undefined> {
    const statement = `SELECT name FROM playcount_fold WHERE ${fold} IN (fold, sealed) AND name <> ${this.song.name}`;
    const [row] = await this.run(this.client, statement);
    return row === undefined ? undefined : String(row["name"]);
  }

  /** Changes the state of a job. */
  async changeState(tx: SqlRunner, set: string, value?: string): Promise<void> {
    await this.run(tx, `UPDATE playcount_fold SET ${set} WHERE name = ${this.song.name}`, value);
  }

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
}

/** Returns the names of a path, as `music` and `my.song` of `music."my.song"`. */
function partsOf(path: string): string[] {
  const parts = path.match(/"(?:[^"]|"")+"(?=\.|$)|[^.]+/g) ?? [];
  return parts.map((part) => (/^".+"$/.test(part) ? part.slice(1, -1).replaceAll('""', '"') : part));
}

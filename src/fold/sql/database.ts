import type { Rows } from "../rows.ts";
import type { SqlClient, SqlError, SqlResult, SqlRunner } from "./client.ts";
import { fits, type SongColumns } from "./column.ts";

/** The table of songs, and the names of the job in it. */
export interface SongTable {
  /** With its schema, if it has one: `music.song`. */
  table: string;
  id: string;
  plays: string;
  /** The job's row in `playcount_fold`. */
  name: string;
  /** A table that gets a row for each song and fold. */
  history?: string | undefined;
}

/** Types of the job's tables. `end` follows the columns. */
export interface TableTypes {
  name: string;
  id: string;
  time: string;
  end: string;
}

/**
 * Meanings of errors, as beginnings of `code message`. After a `transient` one a transaction may succeed, and
 * nothing of this one is stored; `locked`: a lock could not be had; `denied`: a wrong user, password or
 * database, or a missing right.
 */
export type ErrorMeanings = Readonly<
  Record<"transient" | "locked" | "missing table" | "duplicate" | "denied", RegExp>
>;

/** One kind of database: its statements, in which numbers are literals, and the meaning of its errors. */
export abstract class Database {
  readonly client: SqlClient;
  readonly names: SongTable;
  readonly lockSeconds: number;
  /** The columns, once {@linkcode readColumns} has read them. */
  columns!: SongColumns;

  constructor(client: SqlClient, names: SongTable, lockSeconds: number) {
    this.client = client;
    this.names = names;
    this.lockSeconds = lockSeconds;
  }

  /** Follows the statement that reads the state of a job, and locks it. */
  abstract readonly forUpdate: string;
  abstract readonly types: TableTypes;
  abstract readonly meanings: ErrorMeanings;
  /** Begin of a statement that inserts rows as far as no unique key is in the way, and its end. */
  abstract readonly insertion: readonly [begin: string, end: string];
  /** End of a statement that inserts plays, and adds them if the row exists. */
  abstract readonly orAdd: string;
  /** True for row `s` if its plays of a fold in parts are stored, up to the id in `f.upto`. */
  abstract readonly isStored: string;
  /** True if a row `k` of playcount_unknown has the id of row `s`. */
  abstract readonly isKept: string;
  /** Placeholder of a statement's only value. */
  abstract readonly placeholder: string;

  /** Returns songs as a table `f` with `id` and `plays`. Its values are those of {@linkcode valuesOf}. */
  abstract songs(as: "ids" | "text"): string;
  abstract valuesOf(rows: Rows): unknown[];
  /** Returns a time as a literal. */
  abstract timeOf(time: Date): string;
  /** Reads the columns of the table. @throws {RangeError} if plays cannot be added to it. */
  abstract readColumns(): Promise<SongColumns>;
  /** Adds plays to rows. Returns the songs that have none. All ids fit. */
  abstract add(tx: SqlRunner, rows: Rows): Promise<Rows>;
  /** Runs a transaction in which a statement sees what was committed before it. */
  abstract begin(act: (tx: SqlRunner) => Promise<void>): Promise<void>;
  protected abstract quotePart(name: string): string;

  /** Statements that make the job's tables, if they are missing. */
  get schema(): string[] {
    const { name, id, time, end } = this.types;
    const make = (table: string, columns: string) => `CREATE TABLE IF NOT EXISTS ${table} (${columns})${end}`;
    const done = `sealed bigint, upto ${id}, done_at ${time}`;
    const tables = [
      make("playcount_fold", `name ${name} PRIMARY KEY, fold bigint NOT NULL, ${done}`),
      make("playcount_unknown", `name ${name}, id ${id}, plays bigint NOT NULL, PRIMARY KEY (name, id)`),
    ];
    const columns = `id ${id}, fold bigint, sealed_at ${time} NOT NULL, plays bigint NOT NULL, PRIMARY KEY (fold, id)`;
    return this.names.history === undefined ? tables : [...tables, make(this.history, columns)];
  }

  /** The statement of a page: the plays of a song, and the fold for `after`, read together. */
  get page(): string {
    const fold = `CASE WHEN ${this.isStored} THEN f.sealed ELSE f.fold END AS fold`;
    return `SELECT s.${this.plays} AS plays, ${fold} FROM ${this.table} s, playcount_fold f WHERE s.${this.id} = ${this.placeholder} AND f.name = ${this.name}`;
  }

  /** Inserts rows without plays, as far as no unique key is in the way. */
  async insert(tx: SqlRunner, rows: Rows): Promise<void> {
    const [begin, end] = this.insertion;
    const statement = `${begin} INTO ${this.table} (${this.id}, ${this.plays}) SELECT f.id, 0 FROM ${this.songs("ids")} WHERE true${end}`;
    await this.run(tx, statement, this.valuesOf(rows));
  }

  /** Adds plays to the rows of unknown songs. Returns true if a song is new there. */
  async keep(tx: SqlRunner, rows: Rows): Promise<boolean> {
    const count = async () =>
      String((await this.run(tx, "SELECT count(*) AS n FROM playcount_unknown"))[0]?.["n"]);
    const before = await count();
    const statement = `INSERT INTO playcount_unknown (name, id, plays) SELECT ${this.name}, f.id, sum(f.plays) FROM ${this.songs("text")} GROUP BY f.id ${this.orAdd}`;
    await this.run(tx, statement, this.valuesOf(rows));
    return (await count()) !== before;
  }

  /** Moves the plays of unknown songs that have a row by now. */
  async addKept(tx: SqlRunner): Promise<void> {
    const found = await this.run(
      tx,
      `SELECT k.id AS id, k.plays AS plays FROM playcount_unknown k WHERE k.name = ${this.name} AND EXISTS (SELECT 1 FROM ${this.table} s WHERE ${this.isKept}) LIMIT ${MAX_KEPT}`,
    );
    const ids = found.map(({ id }) => String(id));
    const kept = { ids, plays: found.map(({ plays }) => Number(plays)) };
    const [fitting] = partition(kept, (id) => fits(this.columns, id));
    if (fitting.ids.length === 0) return;
    const missing = new Set((await this.add(tx, fitting)).ids);
    const [added] = partition(fitting, (id) => !missing.has(id));
    const statement = `DELETE FROM playcount_unknown WHERE name = ${this.name} AND id IN (SELECT f.id FROM ${this.songs("text")})`;
    if (added.ids.length > 0) await this.run(tx, statement, this.valuesOf(added));
  }

  /** Appends to the table of the history. */
  async record(tx: SqlRunner, rows: Rows, fold: number, sealedAt: number): Promise<void> {
    const values = `f.id, f.plays, ${fold}, ${this.timeOf(new Date(sealedAt))}`;
    const statement = `INSERT INTO ${this.history} (id, plays, fold, sealed_at) SELECT ${values} FROM ${this.songs("text")}`;
    await this.run(tx, statement, this.valuesOf(rows));
  }

  /** Returns true if an error of the database has a meaning. */
  means(meaning: keyof ErrorMeanings, error: unknown): boolean {
    const { message = "" } = error as SqlError;
    return this.meanings[meaning].test(`${this.codeOf(error as SqlError)} ${message}`);
  }

  protected codeOf({ errno, code = "" }: SqlError): string {
    return String(errno ?? code);
  }

  async run(on: SqlRunner, statement: string, values: unknown[] = []): Promise<SqlResult> {
    return (await on.unsafe(statement, values)) as SqlResult;
  }

  quote(name: string): string {
    return name
      .split(".")
      .map((part) => this.quotePart(part))
      .join(".");
  }

  get table(): string {
    return this.quote(this.names.table);
  }

  get history(): string {
    return this.quote(this.names.history ?? "");
  }

  get id(): string {
    return this.quotePart(this.names.id);
  }

  get plays(): string {
    return this.quotePart(this.names.plays);
  }

  /** The name of the job as a literal. */
  get name(): string {
    return this.literal(this.names.name);
  }

  literal(text: string): string {
    return `'${text.replaceAll("'", "''")}'`;
  }
}

/** Songs of playcount_unknown that are moved with one fold. Others follow with the next one. */
const MAX_KEPT = 10_000;

/** Divides rows by a test. */
export function partition(rows: Rows, test: (id: string) => boolean): [yes: Rows, no: Rows] {
  const parts: [Rows, Rows] = [
    { ids: [], plays: [] },
    { ids: [], plays: [] },
  ];
  for (const [at, id] of rows.ids.entries()) {
    const to = parts[test(id) ? 0 : 1];
    to.ids.push(id);
    to.plays.push(rows.plays[at] as number);
  }
  return parts;
}

/** Returns rows as JSON: `[["a", 1], ["b", 2]]`. */
export function jsonOf({ ids, plays }: Rows): string {
  return JSON.stringify(ids.map((id, at) => [id, plays[at]]));
}

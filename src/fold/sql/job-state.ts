import { quoted } from "../../error-message.ts";
import { JobRefusal, OtherJob } from "../target.ts";
import { describeSqlError, type SqlRow, type SqlRunner } from "./client.ts";
import type { Database } from "./database.ts";

/** The row of a job in `playcount_fold`. */
export interface StateRow {
  /** The last fold that is stored as a whole. */
  fold: number;
  /** The fold under way. */
  sealed: number | undefined;
  /** The last id of which plays of `sealed` are stored, in the order of ids. */
  upto: string | undefined;
}

/** Reads, locks and changes the job's row in `playcount_fold`. */
export class JobState {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @throws {JobRefusal} with the statements, if a table is missing and may not be created. */
  async createTables(): Promise<void> {
    const { client, schema, names, history } = this.#database;
    const columns = ["fold, sealed, upto FROM playcount_fold", "plays FROM playcount_unknown"];
    if (names.history !== undefined) columns.push(`id, fold, sealed_at, plays FROM ${history}`);
    try {
      for (const list of columns) await this.#database.run(client, `SELECT ${list} WHERE 1 = 0`);
    } catch (error) {
      if (!this.#database.means("missing table", error)) throw error;
      for (const statement of schema) await this.#create(statement);
    }
  }

  async #create(statement: string): Promise<void> {
    try {
      await this.#database.run(this.#database.client, statement);
    } catch (error) {
      if (this.#database.means("duplicate", error)) return; // another job has created it
      const reason = describeSqlError(error);
      throw new JobRefusal(
        `cannot create tables: ${reason}. Let a user create them that may:\n${this.#database.schema.join(";\n")};`,
      );
    }
  }

  /** Returns `undefined` if the row or the table is missing. */
  async find(): Promise<StateRow | undefined> {
    try {
      return await this.#select(this.#database.client, "");
    } catch (error) {
      if (this.#database.means("missing table", error)) return undefined;
      throw error;
    }
  }

  /** @throws {JobRefusal} if the row is gone. */
  async read(): Promise<StateRow> {
    return (await this.find()) ?? this.#gone();
  }

  async insert(fold: number): Promise<void> {
    const { client, name } = this.#database;
    try {
      await this.#database.run(client, `INSERT INTO playcount_fold (name, fold) VALUES (${name}, ${fold})`);
    } catch (error) {
      if (!this.#database.means("duplicate", error)) throw error;
    }
  }

  /** Locks the row. @throws {OtherJob} if it differs from `before`, or another job has the lock. */
  async lock(tx: SqlRunner, before: StateRow): Promise<void> {
    try {
      const now = (await this.#select(tx, this.#database.forUpdate)) ?? this.#gone();
      const isSame = now.fold === before.fold && now.sealed === before.sealed && now.upto === before.upto;
      if (!isSame) throw new OtherJob();
    } catch (error) {
      throw this.#database.means("locked", error) ? new OtherJob() : error;
    }
  }

  /** Writes the state after a part: it ends with `upto`, or it is the last one of `fold`. */
  async end(tx: SqlRunner, fold: number, upto: string | undefined): Promise<void> {
    if (upto !== undefined) return await this.change(tx, `upto = ${this.#database.placeholder}`, [upto]);
    await this.change(tx, `fold = ${fold}, sealed = NULL, upto = NULL, done_at = CURRENT_TIMESTAMP`);
  }

  async change(tx: SqlRunner, set: string, values: string[] = []): Promise<void> {
    const statement = `UPDATE playcount_fold SET ${set} WHERE name = ${this.#database.name}`;
    await this.#database.run(tx, statement, values);
  }

  async #select(on: SqlRunner, end: string): Promise<StateRow | undefined> {
    const { name } = this.#database;
    const statement = `SELECT fold, sealed, upto FROM playcount_fold WHERE name = ${name} ${end}`;
    const [row] = await this.#database.run(on, statement);
    return row && toState(row);
  }

  #gone(): never {
    throw new JobRefusal(`the row ${quoted(this.#database.names.name)} of playcount_fold is gone`);
  }
}

function toState({ fold, sealed, upto }: SqlRow): StateRow {
  return {
    fold: Number(fold),
    sealed: sealed == null ? undefined : Number(sealed),
    upto: upto == null ? undefined : String(upto),
  };
}

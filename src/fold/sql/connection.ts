import { JobRefusal } from "../target.ts";
import { describeSqlError, type SqlClient, type SqlError, type SqlResult, type SqlRunner } from "./client.ts";
import type { Dialect } from "./dialects.ts";

/** Limits of a database. */
export interface DatabaseLimits {
  /** Longest wait for a lock. */
  lockSeconds: number;
  /** Seconds after which a step without an end is broken off, with the connection. Default: never. */
  timeoutSeconds?: number | undefined;
}

/** Undoes a transaction. */
class Undone extends Error {}

/** The transactions and errors of a database. A statement alone and a transaction are limited in time. */
export class Connection {
  readonly client: SqlClient;
  readonly dialect: Dialect;
  readonly limits: DatabaseLimits;

  constructor(client: SqlClient, dialect: Dialect, limits: DatabaseLimits) {
    this.client = client;
    this.dialect = dialect;
    this.limits = limits;
  }

  /** Runs a transaction in which a statement sees what was committed before it. */
  async begin(act: (tx: SqlRunner) => Promise<void>): Promise<void> {
    const { begin, transaction } = this.dialect;
    const begun = async (tx: SqlRunner) => {
      for (const statement of transaction(this.limits.lockSeconds)) await this.query(tx, statement);
      await act(tx);
    };
    await this.#limited(begin === undefined ? this.client.begin(begun) : this.client.begin(begin, begun));
  }

  /** Runs a transaction, and undoes it. */
  async undo(act: (tx: SqlRunner) => Promise<void>): Promise<void> {
    const undone = this.begin(async (tx) => {
      await act(tx);
      throw new Undone();
    });
    await undone.catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error;
    });
  }

  /** Runs a statement, in a transaction or alone. */
  async query(on: SqlRunner, statement: string, values: unknown[] = []): Promise<SqlResult> {
    const result = on.unsafe(statement, values);
    return (await (on === this.client ? this.#limited(result) : result)) as SqlResult;
  }

  async close(): Promise<void> {
    await this.client.close({ timeout: 0 }).catch(() => {});
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

  /** Closes the connection if a step takes longer than --timeout, so that its transaction is undone. */
  async #limited(step: PromiseLike<unknown>): Promise<unknown> {
    const { timeoutSeconds } = this.limits;
    if (timeoutSeconds === undefined) return await step;
    const { promise: timeout, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const advice = "raise --timeout, or store less at once by --rows; nothing is lost";
      reject(new JobRefusal(`the database has not ended a step within ${timeoutSeconds} s: ${advice}`));
      void this.close(); // after this error, as it fails the step too
    }, timeoutSeconds * 1000);
    try {
      return await Promise.race([step, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}

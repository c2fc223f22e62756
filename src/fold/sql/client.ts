/** A row of a result. */
export type SqlRow = Record<string, unknown>;

/** A result of a statement. PostgreSQL and SQLite count changed rows in `count`, MySQL in `affectedRows`. */
export type SqlResult = SqlRow[] & { count?: number; affectedRows?: number | null };

/** A connection, or a transaction on one. */
export interface SqlRunner {
  /** Runs a statement; `?` or `$1` stand for `values`. */
  unsafe(statement: string, values?: unknown[]): PromiseLike<unknown>;
}

/** The parts of a client of `Bun.sql` that a job uses. */
export interface SqlClient extends SqlRunner {
  /** The options that it was made of. */
  options?: { adapter?: string | undefined; filename?: unknown };
  /** Runs `act` in a transaction that begins with `options`, and commits it if `act` resolves. */
  begin(options: string, act: (transaction: SqlRunner) => Promise<unknown>): PromiseLike<unknown>;
  /** Runs `act` in a transaction, and commits it if `act` resolves. */
  begin(act: (transaction: SqlRunner) => Promise<unknown>): PromiseLike<unknown>;
  /** Closes the connections, after at most `timeout` seconds. */
  close(options?: { timeout?: number }): Promise<void>;
}

/** An error of a database. */
export interface SqlError {
  message?: string;
  /** The SQLSTATE of PostgreSQL, or the number of an error of MySQL or SQLite. */
  errno?: string | number;
  /** The name of an error of the connection. */
  code?: string;
}

/** Describes an error of a database in one line, with its code. */
export function describeSqlError(error: unknown): string {
  const { message = "", errno, code } = error as SqlError;
  const name = errno || code;
  const text = message === "" ? String((error as Error)?.name ?? error) : message;
  return text.replace(/\s+/g, " ") + (name === undefined ? "" : ` (${name})`);
}

/**
 * The hand-over of counts to a database, as `playcount fold` does it: each play once. Needs Bun.
 *
 * @example
 * ```ts
 * import { SQL } from "bun";
 * import { foldInto } from "playcount/fold";
 *
 * const sql = new SQL("sqlite::memory:");
 * await sql`CREATE TABLE song (id TEXT PRIMARY KEY, plays INTEGER)`;
 * const folds = await foldInto(sql, { from: "http://localhost:8000" });
 * folds.map(({ plays }) => plays); // [0]
 * ```
 *
 * @module
 */

import { Placement } from "../client/placement.ts";
import { ServerClient } from "../client/server-client.ts";
import { CountServers, PATIENT } from "./count-servers.ts";
import { FOLD_DEFAULTS, MAX_PART_SONGS, UNKNOWN_POLICIES, type UnknownPolicy } from "./defaults.ts";
import { handOverEach, type HandedOver } from "./job.ts";
import type { SqlClient } from "./sql/client.ts";
import { Database } from "./sql/database.ts";
import { dialectOf } from "./sql/dialects.ts";
import { SqlTarget } from "./sql/sql-target.ts";

export type { HandedOver } from "./job.ts";
export type { SqlClient, SqlRunner } from "./sql/client.ts";
export type { JobRefusal, OtherJob, SetAside } from "./target.ts";
export type { UnknownPolicy } from "./defaults.ts";

/**
 * Options of {@linkcode foldInto}: those of `playcount fold` for a table, with the same defaults. Only a
 * transaction may take any time, as a limit would close the client.
 */
export interface FoldOptions {
  /** URLs of the servers. */
  from: string | readonly string[];
  /** Token of the servers. Default: none. */
  token?: string | undefined;
  /** Table of songs. Default: `song`. */
  table?: string | undefined;
  /** Column of the ids, which must be unique. Default: `id`. */
  id?: string | undefined;
  /** Column that plays are added to. Default: `plays`. */
  plays?: string | undefined;
  /** Name of the job in `playcount_fold`. Default: the table. */
  name?: string | undefined;
  /** Use of plays of songs without a row. Default: `keep`, in `playcount_unknown`. */
  unknown?: UnknownPolicy | undefined;
  /** A table that gets a row for each song and fold. Default: none. */
  history?: string | undefined;
  /** Most songs in one transaction, from 1 to 1,000,000. Default: 10,000. */
  rows?: number | undefined;
  /**
   * Longest wait for a lock, in seconds: a whole number from 1. Default: 10. A connection of MySQL or MariaDB
   * keeps it as its `innodb_lock_wait_timeout`.
   */
  lockSeconds?: number | undefined;
  /** A fold of another job that is stored too. */
  adopt?: number | undefined;
  /** True to acknowledge folds of other jobs without storing them. Default: false. */
  skip?: boolean | undefined;
  /** Stops the job between two steps. Nothing is lost. */
  signal?: AbortSignal | undefined;
  /** Receives lines for the operator. Default: none is written. */
  log?: ((line: string) => void) | undefined;
}

/**
 * Hands the counts of servers over to a table, each play once, with a client of `Bun.sql`. Returns the folds:
 * one, and before it the one that an earlier call has begun. The client stays open.
 *
 * A client of MySQL or MariaDB needs the option `foundRows: true`. A file of SQLite is opened again, so that
 * statements of the program are not in transactions of the job: while one is under way, they are SQLITE_BUSY.
 * A database in memory has one connection. Do not use it before the call ends: what a statement writes
 * meanwhile may be undone with a transaction of the job.
 *
 * @throws {JobRefusal} an error of that name, if the operator has to decide about a fold of another job.
 * @throws {OtherJob} an error of that name, if another job is at work on the same table.
 * @throws {RangeError} if the table or an option is wrong.
 *
 * @example
 * ```ts
 * import { SQL } from "bun";
 * import { foldInto } from "playcount/fold";
 *
 * const sql = new SQL("sqlite::memory:");
 * await sql`CREATE TABLE song (id TEXT PRIMARY KEY, plays INTEGER)`;
 * await fetch("http://localhost:8000/song/42", { method: "POST" });
 * const [fold] = await foldInto(sql, { from: "http://localhost:8000", unknown: "insert" });
 * fold?.plays; // 1
 * ```
 */
export async function foldInto(sql: SqlClient, options: FoldOptions): Promise<HandedOver[]> {
  const { from, token = "", signal, log = () => {}, adopt, skip, history } = options;
  const { table = FOLD_DEFAULTS.table, id = FOLD_DEFAULTS.id, plays = FOLD_DEFAULTS.plays } = options;
  const { name = table, unknown = FOLD_DEFAULTS.unknown, rows = FOLD_DEFAULTS.partSongs } = options;
  const { lockSeconds = FOLD_DEFAULTS.lockSeconds } = options;
  const dialect = dialectOf(`${sql.options?.adapter}:`);
  if (dialect === undefined) throw new RangeError("foldInto takes a client of Bun.sql");
  if (!UNKNOWN_POLICIES.includes(unknown)) throw new RangeError(`unknown must be keep, insert or drop`);
  if (!Number.isInteger(rows) || rows < 1 || rows > MAX_PART_SONGS)
    throw new RangeError(`rows must be a whole number from 1 to ${MAX_PART_SONGS}`);
  if (!Number.isInteger(lockSeconds) || lockSeconds < 1)
    throw new RangeError("lockSeconds must be a whole number from 1");
  if (adopt !== undefined && !(Number.isSafeInteger(adopt) && adopt >= 1))
    throw new RangeError(`adopt must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`);
  const client = new ServerClient({ token, ...PATIENT });
  const counters = new CountServers({ client, servers: serversOf(from), signal, log });
  const own = dialect === "sqlite" ? openAgain(sql) : undefined;
  const database = new Database(dialect, own ?? sql, { table, id, plays, name, history }, { lockSeconds });
  const target = new SqlTarget(database, { unknown, partSongs: rows, signal, log });
  try {
    return await Array.fromAsync(handOverEach({ target, counters, adopt, skip }));
  } finally {
    await own?.close();
  }
}

/** @throws {RangeError} if they are no URLs of different servers. */
function serversOf(from: string | readonly string[]): readonly string[] {
  try {
    return new Placement(from).urls;
  } catch (cause) {
    throw new RangeError("from must be different http or https URLs without user, query and fragment", {
      cause,
    });
  }
}

/** Opens the file of a client of SQLite; `undefined` for a database in memory. */
function openAgain(sql: SqlClient): SqlClient | undefined {
  if (sql.options?.filename === ":memory:") return undefined;
  const Client = sql.constructor as new (options: object) => SqlClient;
  return new Client({ ...sql.options });
}

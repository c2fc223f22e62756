import { delay } from "../../async/timing.ts";
import { quoted } from "../../error-message.ts";
import { FoldRows } from "../rows.ts";
import {
  type FoldState,
  type FoldToStore,
  JobRefusal,
  labelOf,
  merge,
  nothing,
  OtherJob,
  type SetAside,
  type Target,
} from "../target.ts";
import { describeSqlError, type SqlRunner } from "./client.ts";
import { fits } from "./column.ts";
import type { Database } from "./database.ts";
import { JobState, type StateRow } from "./job-state.ts";
import { PartWriter, type UnknownPolicy } from "./part-writer.ts";

/** Options of a {@linkcode SqlTarget}. */
export interface SqlTargetOptions {
  unknown: UnknownPolicy;
  /** Songs that are stored in one transaction. */
  partSongs: number;
  /** Seconds after which a transaction without an end is broken off, with the connection. */
  timeoutSeconds: number;
  signal?: AbortSignal | undefined;
  log: (line: string) => void;
  onStep?: ((name: string) => void) | undefined;
}

const MAX_RETRIES = 5;
const FIRST_WAIT_MS = 100;

/** Undoes the transaction of a trial. */
class Undone extends Error {}

/**
 * Stores folds in a table of songs, each play once.
 *
 * Each transaction begins with a lock on the job's row in `playcount_fold`, and goes on only if that is as
 * this job left it. It ends with the new state, so the plays and the state are stored together. If the answer
 * to a commit is lost, the row says what happened.
 */
export class SqlTarget implements Target {
  readonly keepsState = true;
  readonly label: string;
  readonly unknownWords: string;
  readonly #database: Database;
  readonly #options: SqlTargetOptions;
  readonly #state: JobState;
  readonly #writer: PartWriter;

  constructor(database: Database, options: SqlTargetOptions) {
    this.#database = database;
    this.#options = options;
    this.#state = new JobState(database);
    this.#writer = new PartWriter(database, options.unknown, false);
    this.label = labelOf(`playcount fold ${database.names.name}`);
    this.unknownWords = options.unknown === "drop" ? "dropped" : "kept in playcount_unknown";
  }

  async prepare(isTrial: boolean): Promise<void> {
    const database = this.#database;
    try {
      database.columns = await database.readColumns();
    } catch (error) {
      if (!database.means("denied", error)) throw error;
      throw new RangeError(`the database refuses: ${describeSqlError(error)}`, { cause: error });
    }
    const { required, isNarrow } = database.columns;
    const { table, plays } = database.names;
    if (this.#options.unknown === "insert" && required.length > 0)
      throw new RangeError(
        `--unknown insert needs defaults for columns of ${quoted(table)} that must not be NULL: ${required.join(", ")}`,
      );
    if (isNarrow) this.#options.log(`${plays} of ${table} is no bigint: a song past its end stops all folds`);
    if (!isTrial) await this.#state.createTables();
  }

  async state(): Promise<FoldState | undefined> {
    const row = await this.#state.find();
    return row && { fold: row.fold, sealed: row.sealed, isBegun: row.upto !== undefined };
  }

  async create(fold: number): Promise<void> {
    await this.#state.insert(fold);
  }

  async intend({ fold }: FoldState, next: number): Promise<void> {
    const before = { fold, sealed: undefined, upto: undefined };
    await this.#transact(before, (tx) => this.#state.change(tx, `sealed = ${next}`));
  }

  rows(): FoldRows {
    const { columns } = this.#database;
    return new FoldRows(columns.kind === "integer" ? "value" : "bytes", (id) => fits(columns, id));
  }

  async store(fold: FoldToStore): Promise<SetAside> {
    const { signal, log } = this.#options;
    const setAside = nothing();
    let before = await this.#state.read();
    for (let retry = 0; ; retry++) {
      try {
        await this.#storeParts(fold, before, setAside);
        return setAside;
      } catch (error) {
        if (error instanceof JobRefusal || signal?.aborted) throw error;
        if (!(error instanceof OtherJob)) log(`${describeSqlError(error)}; reading what is stored`);
        before = await this.#readAfter(error);
        if (error instanceof OtherJob) throw error;
        if (before.fold >= fold.fold) return setAside; // the commit whose answer was lost
        if (!this.#database.means("transient", error) || retry === MAX_RETRIES) throw error;
        await delay(FIRST_WAIT_MS * 2 ** retry * (0.5 + Math.random()), signal);
      }
    }
  }

  async tryOut(fold: FoldToStore): Promise<SetAside> {
    const setAside = nothing();
    const writer = new PartWriter(this.#database, this.#options.unknown, true);
    const store = async (tx: SqlRunner) => {
      for (const part of fold.rows.parts(this.#options.partSongs))
        merge(setAside, await writer.write(tx, part, fold));
      throw new Undone();
    };
    await this.#database.begin(store).catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error;
    });
    return setAside;
  }

  async close(): Promise<void> {
    await this.#database.client.close({ timeout: 0 }).catch(() => {});
  }

  /** Stores what is missing of a fold, in parts. The last one stores its number too. */
  async #storeParts(fold: FoldToStore, state: StateRow, setAside: SetAside): Promise<void> {
    const { partSongs, signal, onStep = () => {} } = this.#options;
    if (state.sealed !== fold.fold) throw new OtherJob();
    let before = state;
    let storedSongs = 0;
    for (const part of fold.rows.parts(partSongs, before.upto)) {
      signal?.throwIfAborted();
      let found = nothing();
      const last = part.ids.at(-1);
      await this.#transact(before, async (tx) => {
        onStep("begun");
        if (before.upto === undefined && this.#options.unknown === "keep") await this.#database.addKept(tx);
        found = await this.#writer.write(tx, part, fold);
        onStep("rows stored");
        await this.#state.end(tx, fold.fold, part.isLast ? undefined : last);
        onStep("before commit");
      });
      onStep("committed");
      merge(setAside, found);
      before = { ...before, upto: last };
      fold.onProgress((storedSongs += part.ids.length));
    }
  }

  /** Runs a transaction if the state is still `before`. @throws {OtherJob} */
  async #transact(before: StateRow, act: (tx: SqlRunner) => Promise<void>): Promise<void> {
    const timer = setTimeout(() => this.close(), this.#options.timeoutSeconds * 1000);
    try {
      await this.#database.begin(async (tx) => {
        await this.#state.lock(tx, before);
        await act(tx);
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Reads the state after a failure, as soon as the database answers. */
  async #readAfter(error: unknown): Promise<StateRow> {
    for (let retry = 0; ; retry++) {
      try {
        return await this.#state.read();
      } catch (cause) {
        if (retry === MAX_RETRIES || !this.#database.means("transient", cause))
          throw cause instanceof JobRefusal ? cause : error;
        await delay(FIRST_WAIT_MS * 2 ** retry, this.#options.signal);
      }
    }
  }
}

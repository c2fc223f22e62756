import { delay } from "../../async/timing.ts";
import { quoted } from "../../error-message.ts";
import type { UnknownPolicy } from "../defaults.ts";
import { labelOf } from "../label.ts";
import {
  type FoldState,
  type FoldToStore,
  JobRefusal,
  OtherJob,
  type SetAside,
  type Target,
} from "../target.ts";
import { describeSqlError, type SqlRunner } from "./client.ts";
import type { Database } from "./database.ts";
import { PartWriter } from "./part-writer.ts";

/** Most bytes of the songs of a part as JSON: MariaDB takes statements of up to 16 MiB. */
const MAX_PART_BYTES = 15 * 2 ** 20;

/** Options of a {@linkcode SqlTarget}. */
export interface SqlTargetOptions {
  unknown: UnknownPolicy;
  /** Most songs that are stored in one transaction. */
  partSongs: number;
  signal?: AbortSignal | undefined;
  log: (line: string) => void;
  onStep?: ((name: string) => void) | undefined;
}

const [MAX_RETRIES, FIRST_WAIT_MS] = [7, 100];

/**
 * Stores folds in a table of songs, each play once.
 *
 * Each transaction begins with a lock on the job's row in `playcount_fold`, and goes on only if that is as
 * this job left it. It ends with the new state, so the plays and the state are stored together. If the answer
 * to a commit is lost, the row says what happened.
 */
export class SqlTarget implements Target {
  readonly label: string;
  readonly maxIdBytes: number | undefined;
  readonly #database: Database;
  readonly #options: SqlTargetOptions;

  constructor(database: Database, options: SqlTargetOptions) {
    this.label = labelOf(undefined, database.names.name);
    this.maxIdBytes = database.dialect.maxIdBytes;
    this.#database = database;
    this.#options = options;
  }

  /** Tries all statements without songs, so that a missing right is found before a fold is sealed. */
  async prepare(isTrial: boolean): Promise<void> {
    const [database, { unknown }] = [this.#database, this.#options];
    await database.readColumns();
    if (unknown === "insert") checkInsertion(database);
    const rehearse = (withoutTables: boolean) =>
      this.#retrying(() =>
        database.undo((tx) => new PartWriter(database, unknown, withoutTables).rehearse(tx)),
      );
    try {
      await rehearse(false).catch(async (error: unknown) => {
        if (!database.means("missing table", error)) throw error;
        if (!isTrial) await database.createTables();
        await rehearse(isTrial);
      });
    } catch (error) {
      throw database.refusalOf(error);
    }
  }

  async state(): Promise<FoldState | undefined> {
    return await this.#unlessMissing(this.#database.findState(this.#database.client));
  }

  async jobOf(fold: number): Promise<string | undefined> {
    return await this.#unlessMissing(this.#database.findOtherJob(fold));
  }

  async create(fold: number): Promise<void> {
    const { client, name } = this.#database;
    const statement = `INSERT INTO playcount_fold (name, fold) VALUES (${name}, ${fold})`;
    await this.#database.run(client, statement).catch((error: unknown) => {
      if (!this.#database.means("duplicate", error)) throw error; // another job has inserted it
    });
  }

  async intend(before: FoldState, next: number, servers: string): Promise<void> {
    const { placeholder } = this.#database.dialect;
    const set = `sealed = ${next}, servers = ${placeholder}`;
    await this.#transact(before, (tx) => this.#database.changeState(tx, set, servers));
  }

  async store(fold: FoldToStore): Promise<void> {
    await this.#retrying(async (retry) => {
      const state = await this.#read(this.#database.client);
      if (retry > 0 && state.fold >= fold.fold) return; // the answer to the last commit was lost
      await this.#storeParts(fold, state);
    });
  }

  async tryOut(fold: FoldToStore): Promise<void> {
    const { unknown, partSongs } = this.#options;
    const writer = new PartWriter(this.#database, unknown, true);
    for (const { songs } of fold.songs.parts(partSongs, undefined, MAX_PART_BYTES))
      await this.#database.undo(async (tx) => fold.setAside.add(...(await writer.write(tx, songs, fold))));
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  /** A trial makes no tables. */
  async #unlessMissing<T>(reading: Promise<T | undefined>): Promise<T | undefined> {
    return await reading.catch((error: unknown): undefined => {
      if (!this.#database.means("missing table", error)) throw error;
    });
  }

  /** Repeats `act` after errors that may go away by themselves. */
  async #retrying(act: (retry: number) => Promise<void>): Promise<void> {
    const { signal, log } = this.#options;
    for (let retry = 0; ; retry++) {
      try {
        return await act(retry);
      } catch (error) {
        if (signal?.aborted || retry === MAX_RETRIES || !this.#database.means("transient", error))
          throw error;
        log(`${describeSqlError(error)}; trying again`);
        await delay(FIRST_WAIT_MS * 2 ** retry * (0.5 + Math.random()), signal);
      }
    }
  }

  /** Stores what is missing of a fold, in parts. The last one stores its number too. */
  async #storeParts(fold: FoldToStore, state: FoldState): Promise<void> {
    const { partSongs, signal, unknown, onStep = () => {} } = this.#options;
    if (state.intended !== fold.fold) throw new OtherJob();
    const writer = new PartWriter(this.#database, unknown, false);
    let before = state;
    for (const part of fold.songs.parts(partSongs, before.upto, MAX_PART_BYTES)) {
      signal?.throwIfAborted();
      fold.onProgress(part.start);
      let setAside: Parameters<SetAside["add"]> = [[]];
      const upto = part.songs.at(-1)?.[0];
      await this.#transact(before, async (tx) => {
        onStep("begun");
        await this.#database.holdColumns(tx);
        if (before.upto === undefined) await writer.addKept(tx);
        setAside = await writer.write(tx, part.songs, fold);
        onStep("rows stored");
        const end = `fold = ${fold.fold}, sealed = NULL, upto = NULL, done_at = CURRENT_TIMESTAMP`;
        if (part.isLast) await this.#database.changeState(tx, end);
        else await this.#database.changeState(tx, `upto = ${this.#database.dialect.placeholder}`, upto);
        onStep("before commit");
      });
      onStep("committed");
      fold.setAside.add(...setAside);
      before = { ...before, upto };
    }
  }

  /** Runs a transaction if the state is still `before`. @throws {OtherJob} otherwise. */
  async #transact(before: FoldState, act: (tx: SqlRunner) => Promise<void>): Promise<void> {
    const { dialect } = this.#database;
    await this.#database.begin(async (tx) => {
      const now = await this.#read(tx, dialect.forUpdate).catch((cause: unknown) => {
        if (!this.#database.means("locked", cause)) throw cause;
        throw new Error("another transaction has kept the job's row of playcount_fold locked", { cause });
      });
      const isSame = now.fold === before.fold && now.intended === before.intended && now.upto === before.upto;
      if (!isSame) throw new OtherJob();
      await act(tx);
    });
  }

  /** @throws {JobRefusal} if the job's row is gone. */
  async #read(on: SqlRunner, lock?: string): Promise<FoldState> {
    const state = await this.#database.findState(on, lock);
    if (state !== undefined) return state;
    throw new JobRefusal(`the row ${quoted(this.#database.names.name)} of playcount_fold is gone`);
  }
}

/** @throws {RangeError} if no row can be inserted. */
function checkInsertion({ names, song }: Database): void {
  const table = quoted(names.table);
  if (song.required.length > 0)
    throw new RangeError(
      `--unknown insert needs defaults for columns of ${table} that must not be NULL: ${song.required.join(", ")}`,
    );
  if (song.hasDeferrableKey)
    throw new RangeError(
      `--unknown insert needs keys of ${table} that are NOT DEFERRABLE: PostgreSQL cannot pass over rows that are there`,
    );
}

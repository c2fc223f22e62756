import { delay } from "../../async/timing.ts";
import { quoted } from "../../error-message.ts";
import type { UnknownPolicy } from "../defaults.ts";
import type { SongPlays } from "../songs.ts";
import { type FoldState, type FoldToStore, JobRefusal, labelOf, OtherJob, type Target } from "../target.ts";
import { describeSqlError, type SqlRunner } from "./client.ts";
import type { Database } from "./database.ts";
import { PartWriter } from "./part-writer.ts";

/** Options of a {@linkcode SqlTarget}. */
export interface SqlTargetOptions {
  unknown: UnknownPolicy;
  /** Songs that are stored in one transaction. */
  partSongs: number;
  /** Seconds after which a step without an end is broken off, with the connection. Default: never. */
  timeoutSeconds?: number | undefined;
  signal?: AbortSignal | undefined;
  log: (line: string) => void;
  onStep?: ((name: string) => void) | undefined;
}

const [MAX_RETRIES, FIRST_WAIT_MS] = [7, 100];

/** Undoes a transaction. */
class Undone extends Error {}

/**
 * Stores folds in a table of songs, each play once.
 *
 * Each transaction begins with a lock on the job's row in `playcount_fold`, and goes on only if that is as
 * this job left it. It ends with the new state, so the plays and the state are stored together. If the answer
 * to a commit is lost, the row says what happened.
 */
export class SqlTarget implements Target {
  readonly label: string;
  readonly unknownWords: string;
  readonly #database: Database;
  readonly #options: SqlTargetOptions;

  constructor(database: Database, options: SqlTargetOptions) {
    this.#database = database;
    this.#options = options;
    this.label = labelOf(`playcount fold ${database.names.name}`);
    this.unknownWords = options.unknown === "drop" ? "dropped" : "kept in playcount_unknown";
  }

  /** Tries all statements without songs, so that a missing right is found before a fold is sealed. */
  async prepare(isTrial: boolean): Promise<void> {
    const database = this.#database;
    try {
      await this.#limited(database.readColumns());
      const { required } = database.song;
      if (this.#options.unknown === "insert" && required.length > 0)
        throw new RangeError(
          `--unknown insert needs defaults for columns of ${quoted(database.names.table)} that must not be NULL: ${required.join(", ")}`,
        );
      const writer = new PartWriter(database, this.#options.unknown, isTrial);
      const rehearse = () => this.#retrying(() => this.#undo((tx) => writer.rehearse(tx)));
      await rehearse().catch(async (error: unknown) => {
        if (isTrial || !database.means("missing table", error)) throw error;
        await this.#limited(database.createTables());
        await rehearse();
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
    const { client, song } = this.#database;
    const statement = `INSERT INTO playcount_fold (name, fold) VALUES (${song.name}, ${fold})`;
    await this.#limited(this.#database.run(client, statement)).catch((error: unknown) => {
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
    await this.#undo(async (tx) => {
      for (const { songs } of fold.songs.parts(partSongs))
        fold.setAside.add(...(await writer.write(tx, songs, fold)));
    });
  }

  get maxIdBytes(): number {
    return this.#database.dialect.maxIdBytes;
  }

  async close(): Promise<void> {
    await this.#database.client.close({ timeout: 0 }).catch(() => {});
  }

  /** A trial makes no tables. */
  async #unlessMissing<T>(reading: Promise<T | undefined>): Promise<T | undefined> {
    return await this.#limited(reading).catch((error: unknown): undefined => {
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
    if (state.sealed !== fold.fold) throw new OtherJob();
    const writer = new PartWriter(this.#database, unknown, false);
    let before = state;
    for (const part of fold.songs.parts(partSongs, before.upto)) {
      signal?.throwIfAborted();
      fold.onProgress(part.start);
      let setAside: [SongPlays, isNew: boolean] = [[], false];
      const upto = part.songs.at(-1)?.[0];
      await this.#transact(before, async (tx) => {
        onStep("begun");
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
    const done = this.#database.begin(async (tx) => {
      const now = await this.#read(tx, this.#database.dialect.forUpdate).catch((error: unknown) => {
        if (!this.#database.means("locked", error)) throw error;
        throw new Error("another transaction has kept the job's row of playcount_fold locked", {
          cause: error,
        });
      });
      const isSame = now.fold === before.fold && now.sealed === before.sealed && now.upto === before.upto;
      if (!isSame) throw new OtherJob();
      await act(tx);
    });
    await this.#limited(done);
  }

  /** Runs a transaction, and undoes it. */
  async #undo(act: (tx: SqlRunner) => Promise<void>): Promise<void> {
    const undone = this.#database.begin(async (tx) => {
      await act(tx);
      throw new Undone();
    });
    await this.#limited(undone).catch((error: unknown) => {
      if (!(error instanceof Undone)) throw error;
    });
  }

  /** Closes the connection if a step takes longer than --timeout, so that its transaction is undone. */
  async #limited<T>(step: Promise<T>): Promise<T> {
    const { timeoutSeconds } = this.#options;
    if (timeoutSeconds === undefined) return await step;
    const { promise: timeout, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      void this.close();
      const advice = "raise --timeout, or store less at once by --rows; nothing is lost";
      reject(new JobRefusal(`the database has not ended a step within ${timeoutSeconds} s: ${advice}`));
    }, timeoutSeconds * 1000);
    try {
      return await Promise.race([step, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** @throws {JobRefusal} if the job's row is gone. */
  async #read(on: SqlRunner, lock?: string): Promise<FoldState> {
    const state = await this.#limited(this.#database.findState(on, lock));
    if (state !== undefined) return state;
    throw new JobRefusal(`the row ${quoted(this.#database.names.name)} of playcount_fold is gone`);
  }
}

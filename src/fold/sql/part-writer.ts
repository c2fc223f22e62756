import type { Rows } from "../rows.ts";
import { type FoldToStore, merge, nothing, type SetAside } from "../target.ts";
import type { SqlRunner } from "./client.ts";
import type { Database } from "./database.ts";

/** Use of plays of songs without a row: kept in a table of their own, added to new rows, or dropped. */
export type UnknownPolicy = "keep" | "insert" | "drop";

/** Songs of playcount_unknown in one statement. */
const STEP_SONGS = 10_000;

/** Writes a part of a fold in a transaction, and returns what it has set aside. */
export class PartWriter {
  readonly #database: Database;
  readonly #policy: UnknownPolicy;
  readonly #isTrial: boolean;

  /** A trial writes nothing to tables of the job, which may be missing. */
  constructor(database: Database, policy: UnknownPolicy, isTrial: boolean) {
    this.#database = database;
    this.#policy = policy;
    this.#isTrial = isTrial;
  }

  /** The last part has the odd songs of the fold too. */
  async write(tx: SqlRunner, part: Rows & { isLast: boolean }, fold: FoldToStore): Promise<SetAside> {
    const setAside = nothing();
    if (part.ids.length > 0) await this.#setAside(tx, await this.#add(tx, part, fold), setAside);
    const { ids, plays } = fold.rows.odd;
    for (let at = 0; part.isLast && at < ids.length; at += STEP_SONGS) {
      const end = at + STEP_SONGS;
      await this.#setAside(tx, { ids: ids.slice(at, end), plays: plays.slice(at, end) }, setAside);
    }
    return setAside;
  }

  /** Adds plays to rows. Returns the songs that have none. */
  async #add(tx: SqlRunner, part: Rows, { fold, sealedAt }: FoldToStore): Promise<Rows> {
    const database = this.#database;
    if (database.names.history !== undefined && !this.#isTrial)
      await database.record(tx, part, fold, sealedAt);
    const unknown = await database.add(tx, part);
    if (this.#policy !== "insert" || unknown.ids.length === 0) return unknown;
    await database.insert(tx, unknown);
    return await database.add(tx, unknown);
  }

  async #setAside(tx: SqlRunner, { ids, plays }: Rows, setAside: SetAside): Promise<void> {
    if (ids.length === 0) return;
    const isNew = this.#policy === "drop" || this.#isTrial || (await this.#database.keep(tx, { ids, plays }));
    const sum = plays.reduce((all, more) => all + more, 0);
    merge(setAside, { songs: ids.length, plays: sum, examples: ids.slice(0, 3), isNew });
  }
}

import { WorkSlice } from "../../async/turns.ts";
import type { Entry } from "../count-store.ts";
import { Refusal } from "../refusal.ts";
import {
  type Fold,
  FORMAT,
  inFolds,
  type ObjectStorage,
  SCHEMA,
  type State,
  type SqlValue,
} from "./schema.ts";

/** Rows that are read for a chunk of a list, of all its folds. */
const CHUNK_ROWS = 1000;

/** Code units of the ids of a chunk, the last id excepted: a list that its client does not read holds one. */
const CHUNK_UNITS = 16 * 1024;

/** The tables of an object, and a copy of the small ones in memory. */
export class ObjectTables {
  /** The kept fold if there was an acknowledgement, the sealed folds, and the open one. */
  folds: readonly Fold[] = [];
  state: State = { format: FORMAT, dropped: 0, writers: 0 };
  /** Changes of counts and folds since the start. */
  changes = 0;
  /** Set by a write that finds the storage full, until a write succeeds. */
  unavailableBecause: string | undefined;
  readonly #storage: ObjectStorage;

  /** @throws {Error} if the tables are of another version. */
  constructor(storage: ObjectStorage) {
    this.#storage = storage;
    const isNew = this.row("SELECT 1 FROM sqlite_schema WHERE name = 'state'") === undefined;
    if (isNew) storage.transactionSync(() => this.run(SCHEMA));
    this.#load();
    const { format } = this.state;
    if (format !== FORMAT) throw new Error(`The counts have format ${format}; this version reads ${FORMAT}`);
  }

  get open(): Fold {
    return this.folds.at(-1) as Fold;
  }

  get newestFold(): number {
    return this.folds.at(-2)?.number ?? 0;
  }

  /** The newest acknowledged fold. */
  get kept(): Fold | undefined {
    return this.folds.find(({ acknowledged_at }) => acknowledged_at !== null);
  }

  /** The folds that are not acknowledged. */
  get sealed(): readonly Fold[] {
    return this.since().slice(0, -1);
  }

  /** Songs of the folds that are not acknowledged, each once. */
  get songs(): number {
    return this.since().reduce((sum, { songs }) => sum + songs, 0);
  }

  /** Returns the folds whose plays count. @throws {Refusal} `gone` if one above `after` was dropped. */
  since(after?: number): readonly Fold[] {
    if (after === undefined) return this.folds.filter(({ acknowledged_at }) => acknowledged_at === null);
    if (after < this.state.dropped) throw Refusal.dropped(this.state.dropped);
    return this.folds.filter(({ number }) => number === null || number > after);
  }

  rows<T>(query: string, ...values: SqlValue[]): T[] {
    return [...this.#storage.sql.exec(query, ...values)] as T[];
  }

  row<T>(query: string, ...values: SqlValue[]): T | undefined {
    return this.rows<T>(query, ...values)[0];
  }

  readonly run = (query: string, ...values: SqlValue[]): void => {
    this.rows(query, ...values);
  };

  /** Sets a column of `state`. */
  set(column: keyof State, value: number): void {
    this.run(`UPDATE state SET ${column} = ?`, value);
    this.state[column] = value;
  }

  /** Adds `fresh` songs to the open fold, and moves songs to it: a number of each fold that had them last. */
  moveSongs(moved: ReadonlyMap<number, number>, fresh: number): void {
    const arrived = moved.values().reduce((sum, songs) => sum + songs, fresh);
    for (const fold of this.folds) {
      const more = fold === this.open ? arrived : -(moved.get(fold.id) ?? 0);
      if (more === 0) continue;
      fold.songs += more;
      this.run("UPDATE fold SET songs = ? WHERE id = ?", fold.songs, fold.id);
    }
  }

  /**
   * Calls `act` in a transaction. If it throws, nothing has changed.
   *
   * @throws {Refusal} `unavailable` if the storage is full.
   */
  transact<T>(act: () => T): T {
    try {
      const result = this.#storage.transactionSync(act);
      this.unavailableBecause = undefined;
      return result;
    } catch (error) {
      if (error instanceof Refusal) throw error;
      this.#load();
      if (!/\bSQLITE_FULL\b/.test(String(error))) throw error;
      this.unavailableBecause = "The storage of this counter is full";
      throw Refusal.unavailable(this.unavailableBecause);
    }
  }

  /** Calls `act`, which changes folds, in a transaction. */
  change(act: (run: ObjectTables["run"]) => void): void {
    this.transact(() => act(this.run));
    this.#load();
    this.changes++;
  }

  /**
   * Lists the songs of folds in the order of their ids, each with its plays in them. Calls `folds` for each
   * chunk.
   */
  *list(folds: () => readonly Fold[]): Generator<Entry[]> {
    let rows = CHUNK_ROWS;
    for (let from: string | null = ""; from !== null;) {
      const { entries, next } = this.#readChunk(folds(), from, rows);
      rows = Math.min(CHUNK_ROWS, entries.length * 2);
      from = next;
      yield entries;
    }
  }

  #readChunk(folds: readonly Fold[], from: string, rows: number): { entries: Entry[]; next: string | null } {
    const end = this.row<{ next: string | null }>(
      `SELECT min(next) AS next FROM (SELECT (
         SELECT id FROM song WHERE fold = value AND id >= ? ORDER BY id LIMIT 1 OFFSET ?
       ) AS next FROM json_each(?))`,
      from,
      Math.ceil(rows / folds.length),
      JSON.stringify(folds.map(({ id }) => id)),
    );
    const songs = this.rows<{ id: string; plays: number }>(
      `SELECT id, sum(plays) AS plays FROM song
       WHERE ${inFolds(folds)} AND id >= ? AND id < coalesce(?, x'') GROUP BY id`, // a text is below a blob
      from,
      end?.next ?? null,
    );
    const entries: Entry[] = [];
    const slice = new WorkSlice(CHUNK_UNITS);
    for (const { id, plays } of songs) {
      entries.push([id, plays]);
      if (slice.isFull(id.length)) break;
    }
    return { entries, next: songs[entries.length]?.id ?? end?.next ?? null };
  }

  #load(): void {
    this.folds = this.rows("SELECT * FROM fold ORDER BY id");
    this.state = this.row("SELECT * FROM state") ?? this.state;
  }
}

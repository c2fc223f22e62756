import { WorkSlice } from "../../async/turns.ts";
import type { Settings } from "../../settings/settings.ts";
import { type BatchAddition, type Entry, MAX_COUNT } from "../count-store.ts";
import { Refusal } from "../refusal.ts";
import type { LastRequest, RequestKey } from "../request-key.ts";
import { type Fold, inFolds } from "./schema.ts";
import type { ObjectTables } from "./tables.ts";

/** Code units of the ids of a statement, the last id excepted. Cloudflare limits a value to 2 MB. */
const STATEMENT_UNITS = 64 * 1024;

/** Writers to evict that are read at a time, since reading them visits all writers. */
const OLDEST_WRITERS = 1000;

type Writer = { name: string; used: number };
type Limits = Pick<Settings, "maxSongs" | "maxWriters">;

/** A request that adds plays: its songs, each once, with ids that are short enough. */
export interface AddedPlays {
  kind: "song" | "batch";
  plays: Iterable<Entry>;
  fingerprint: () => number;
}

/** Adds plays to the open fold, and keeps the last request of each writer. */
export class Additions {
  readonly #tables: ObjectTables;
  readonly #limits: Limits;
  /** The highest `used` of a writer. Read when it is first needed. */
  #used: number | undefined;
  /** The writers that were least recently used when they were last read, in this order. */
  #oldest: Writer[] = [];

  constructor(tables: ObjectTables, limits: Limits) {
    this.#tables = tables;
    this.#limits = limits;
  }

  /** Adds all plays or none. With `key`, returns the answer of a request that was counted before. */
  add(request: AddedPlays, key: RequestKey | undefined): BatchAddition {
    return this.#tables.transact(() =>
      key === undefined ? this.#addNow(request.plays) : this.#addOnce(request, key),
    );
  }

  #addOnce({ kind, plays, fingerprint: hash }: AddedPlays, { writer, seq }: RequestKey): BatchAddition {
    const fingerprint = hash();
    const row = this.#tables.row<{ last: string }>("SELECT last FROM writer WHERE name = ?", writer);
    const last = row && (JSON.parse(row.last) as LastRequest);
    if (last !== undefined && seq < last.seq) throw Refusal.staleKey(seq, last.seq);
    if (last?.seq === seq && fingerprint !== last.fingerprint) throw Refusal.keyReused(seq);
    const added = last?.seq === seq ? this.#recall(last, plays) : this.#addNow(plays);
    const totals = kind === "song" ? [...added.counts] : null;
    this.#remember(writer, { seq, fingerprint, fold: added.fold, totals }, last === undefined);
    return added;
  }

  /** Returns the answer of a request that was counted: of a batch, the current counts. */
  #recall({ totals, fold }: LastRequest, plays: AddedPlays["plays"]): BatchAddition {
    const current = () => [...statementsOf(plays)].flatMap((songs) => this.#countsOf(songs));
    return { counts: Float64Array.from(totals ?? current().map(({ count }) => count)), fold };
  }

  /** Keeps the last request of a writer. A new writer takes the place of the least recently used one. */
  #remember(writer: string, last: LastRequest, isNew: boolean): void {
    const tables = this.#tables;
    // Microseconds, so that requests of one millisecond have ascending numbers.
    this.#used ??=
      tables.row<{ used: number }>("SELECT coalesce(max(used), 0) AS used FROM writer")?.used ?? 0;
    this.#used = Math.max(this.#used + 1, Date.now() * 1000);
    tables.run("INSERT OR REPLACE INTO writer VALUES (?, ?, ?)", writer, this.#used, JSON.stringify(last));
    let writers = tables.state.writers + Number(isNew);
    while (writers > this.#limits.maxWriters) if (this.#evictOldest()) writers--;
    if (writers !== tables.state.writers) tables.set("writers", writers);
  }

  /** Evicts the first of the writers that were least recently used. Returns false if it was used since. */
  #evictOldest(): boolean {
    const tables = this.#tables;
    if (this.#oldest.length === 0)
      this.#oldest = tables.rows("SELECT name, used FROM writer ORDER BY used LIMIT ?", OLDEST_WRITERS);
    const { name, used } = this.#oldest.shift() as Writer;
    return tables.rows("DELETE FROM writer WHERE name = ? AND used = ? RETURNING 1", name, used).length > 0;
  }

  #addNow(plays: AddedPlays["plays"]): BatchAddition {
    const tables = this.#tables;
    const counts: number[] = [];
    const { open } = tables;
    let [added, fresh] = [0, 0];
    const moved = new Map<number, number>();
    for (const songs of statementsOf(plays)) {
      for (const [at, { count, kept, newest }] of this.#countsOf(songs).entries()) {
        const more = songs[at]?.[1] as number;
        if (more > MAX_COUNT - count - kept) throw Refusal.overflow(count, more, kept);
        if (more > 0 && count === 0) fresh++;
        else if (more > 0 && newest !== open.id) moved.set(newest, (moved.get(newest) ?? 0) + 1);
        added += more;
        counts.push(count + more);
      }
      tables.run(
        `INSERT INTO song SELECT ?, value ->> 0, value ->> 1 FROM json_each(?) WHERE value ->> 1 > 0
         ON CONFLICT DO UPDATE SET plays = plays + excluded.plays`,
        open.id,
        JSON.stringify(songs),
      );
    }
    if (fresh > 0 && tables.songs + fresh > this.#limits.maxSongs) throw Refusal.full(this.#limits.maxSongs);
    tables.moveSongs(moved, fresh);
    if (added > 0) tables.changes++;
    return { counts: Float64Array.from(counts), fold: tables.newestFold };
  }

  /**
   * Returns the plays of each song in the folds that are not acknowledged, the newest of these that has any,
   * and its plays in the kept fold.
   */
  #countsOf(songs: readonly Entry[]): { count: number; kept: number; newest: number }[] {
    const { kept } = this.#tables;
    const of = (value: string, folds: readonly Fold[]) =>
      `(SELECT coalesce(${value}, 0) FROM song WHERE ${inFolds(folds)} AND id = value)`;
    const since = this.#tables.since();
    return this.#tables.rows(
      `SELECT ${of("sum(plays)", since)} AS count, ${of("max(fold)", since)} AS newest,
         ${of("sum(plays)", kept ? [kept] : [])} AS kept
       FROM json_each(?) ORDER BY key`,
      JSON.stringify(songs.map(([id]) => id)),
    );
  }
}

/** Divides songs into parts of a statement each. */
function* statementsOf(plays: AddedPlays["plays"]): Generator<Entry[]> {
  let songs: Entry[] = [];
  const slice = new WorkSlice(STATEMENT_UNITS);
  for (const [id, more] of plays) {
    songs.push([id, more]);
    if (!slice.isFull(id.length)) continue;
    yield songs;
    songs = [];
  }
  yield songs;
}

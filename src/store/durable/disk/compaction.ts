import { DataError } from "./data-error.ts";
import { type Database, type KeptRequest, PAGE_BYTES } from "./database.ts";
import { addTo, type Digest, digestOf, readPlays, signState, writeId } from "./schema.ts";
import { numberOf } from "./sqlite.ts";

/** A step takes commits until they have so many songs, or so many rows: a few milliseconds. */
const STEP_SONGS = 250;
const STEP_ROWS = 1000;
const STEP_DROPPED = 1000;

/** While there is other work, so many commits may wait to be folded, and so many bytes for a checkpoint. */
const MOST_COMMITS = 500;
const MOST_BYTES = 8 * 1024 * 1024;

interface FoldSum extends Digest {
  state: string;
}

interface CommitRow {
  number: number;
  fold: number;
  plays: string;
  keys: string;
}

/** What is done behind the commits, in small steps: their plays come into the table of songs, and what is dropped goes. */
export class Compaction {
  readonly #database: Database;
  readonly #maxWriters: number;
  #folded: number;
  #hasDropped = true;
  #isDropping = false;

  /** `maxWriters` are kept, and at most a tenth more. */
  constructor(database: Database, maxWriters: number) {
    this.#database = database;
    this.#maxWriters = maxWriters;
    this.#folded = numberOf(database.sqlite, "SELECT last_commit FROM state");
  }

  /** How many commits are not folded in. */
  get #waiting(): number {
    return this.#database.last - this.#folded;
  }

  /** Says that there may be rows of folds that were dropped. */
  lookForDropped(): void {
    this.#hasDropped = true;
  }

  /** Whether it cannot wait for a pause. */
  get isUrgent(): boolean {
    return this.#waiting > MOST_COMMITS || this.#database.logBytes > MOST_BYTES;
  }

  /** Whether nothing else may be done before. */
  get isTooMuch(): boolean {
    return this.#waiting > MOST_COMMITS * 4;
  }

  get isDone(): boolean {
    return this.#waiting === 0 && !this.#hasDropped && this.#database.logBytes === 0;
  }

  /** Whether all commits are in the table of songs. */
  get isFolded(): boolean {
    return this.#waiting === 0;
  }

  /** Does a step: one transaction, or a checkpoint. */
  step(): void {
    this.#isDropping = this.#hasDropped && !(this.#isDropping && this.#waiting > 0); // in turns with folding
    if (this.#database.logBytes > MOST_BYTES) this.#database.checkpoint();
    else if (this.#isDropping) this.#deleteSome();
    else if (this.#waiting > 0) this.#foldSome();
    else this.#database.checkpoint();
  }

  #foldSome(): void {
    const database = this.#database;
    const { sqlite } = database;
    const { rows, folds } = this.#take();
    const last = (rows.at(-1) as CommitRow).number;
    database.transactLazily(() => {
      const add = sqlite.prepare(
        "INSERT INTO song VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET plays = plays + ?3",
      );
      for (const [fold, songs] of folds) {
        const sum = sqlite
          .prepare("SELECT state, plays, digest FROM fold WHERE id = ?")
          .get(fold) as unknown as FoldSum | undefined;
        if (sum === undefined) throw new DataError(`there is no fold ${fold}`);
        if (sum.state === "dropped") continue;
        for (const [id, plays] of songs) {
          add.run(fold, writeId(id), plays);
          addTo(sum, id, plays);
        }
        // At most: each in a page of its own, as far as there are so many.
        database.logBytes += Math.min(songs.size, numberOf(sqlite, "PRAGMA page_count")) * PAGE_BYTES;
        sqlite.prepare("UPDATE fold SET plays = ?, digest = ? WHERE id = ?").run(sum.plays, sum.digest, fold);
      }
      this.#keep(rows);
      sqlite.prepare("DELETE FROM commits WHERE number <= ?").run(last);
      sqlite.prepare("UPDATE state SET last_commit = ?").run(last);
      signState(sqlite);
    });
    this.#folded = last;
  }

  /** The oldest commits, as many as make a step, and their plays, by fold. */
  #take(): { rows: CommitRow[]; folds: Map<number, Map<string, number>> } {
    const oldest = this.#database.sqlite
      .prepare("SELECT number, fold, plays, keys FROM commits ORDER BY number LIMIT ?")
      .iterate(STEP_ROWS) as unknown as Iterable<CommitRow>;
    const rows: CommitRow[] = [];
    const folds = new Map<number, Map<string, number>>();
    let count = 0;
    for (const row of oldest) {
      rows.push(row);
      const songs = folds.get(row.fold) ?? new Map<string, number>();
      folds.set(row.fold, songs);
      count -= songs.size;
      for (const [id, more] of readPlays(row.plays)) songs.set(id, (songs.get(id) ?? 0) + more);
      count += songs.size;
      if (count >= STEP_SONGS) break;
    }
    return { rows, folds };
  }

  #keep(rows: readonly CommitRow[]): void {
    const { sqlite } = this.#database;
    const find = sqlite.prepare("SELECT digest FROM writer WHERE name = ?");
    const keep = sqlite.prepare("INSERT OR REPLACE INTO writer VALUES (?, ?, ?, ?)");
    let [more, sum] = [0, 0];
    for (const { number, keys } of rows) {
      if (keys === "") continue;
      for (const { writer, ...request } of JSON.parse(keys) as KeptRequest[]) {
        const last = JSON.stringify(request);
        const digest = digestOf(writer, last, number);
        const before = find.get(writer);
        more += before === undefined ? 1 : 0;
        sum += digest - Number(before?.["digest"] ?? 0);
        keep.run(writer, last, number, digest);
      }
    }
    sqlite.prepare("UPDATE state SET writers = writers + ?, writer_sum = writer_sum + ?").run(more, sum);
    if (numberOf(sqlite, "SELECT writers FROM state") > this.#maxWriters * 1.1) this.#forgetWriters();
  }

  /** Those that were silent for longest. */
  #forgetWriters(): void {
    this.#database.sqlite
      .prepare(
        "DELETE FROM writer WHERE name IN (SELECT name FROM writer ORDER BY used DESC LIMIT -1 OFFSET ?)",
      )
      .run(this.#maxWriters);
    this.#database.sqlite.exec(`
      UPDATE state SET (writers, writer_sum) = (SELECT count(*), coalesce(sum(digest), 0) FROM writer)`);
  }

  #deleteSome(): void {
    const { sqlite } = this.#database;
    const fold = numberOf(sqlite, "SELECT coalesce(min(id), -1) FROM fold WHERE state = 'dropped'");
    if (fold === -1) {
      this.#hasDropped = false;
      return;
    }
    const drop = sqlite.prepare(
      "DELETE FROM song WHERE fold = ?1 AND id IN (SELECT id FROM song WHERE fold = ?1 LIMIT ?2)",
    );
    this.#database.transactLazily(() => {
      const { changes } = drop.run(fold, STEP_DROPPED);
      if (Number(changes) === STEP_DROPPED) return;
      // Commits that are not folded in may still name it.
      if (numberOf(sqlite, "SELECT count(*) FROM commits WHERE fold = ?", fold) > 0) return;
      sqlite.prepare("DELETE FROM fold WHERE id = ?").run(fold);
      signState(sqlite);
    });
    this.#database.logBytes += STEP_DROPPED * 100;
  }
}

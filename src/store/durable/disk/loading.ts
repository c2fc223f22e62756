import type { DatabaseSync } from "node:sqlite";
import { CommitView } from "../../memory/commit-view.ts";
import { Refusal } from "../../refusal.ts";
import type { ShardedStore } from "../../memory/sharded-store.ts";
import { DataError } from "./data-error.ts";
import type { KeptRequest } from "./database.ts";
import {
  addTo,
  checkFormat,
  type Digest,
  digestOf,
  digestOfState,
  lastCommit,
  readId,
  readPlays,
} from "./schema.ts";
import { numberOf, readOnly } from "./sqlite.ts";

interface FoldRow extends Digest {
  id: number;
  number: number | null;
  state: "open" | "sealed" | "kept" | "dropped";
}

interface CommitRow {
  number: number;
  fold: number;
  plays: string;
  keys: string;
  digest: number;
}

interface SongRow {
  id: string;
  plays: number;
}

/**
 * Reads all that a database has into an empty store; the file stays as it is.
 * `mark` is a commit that has been made for certain.
 *
 * @throws {DataError} if anything in it is not as it was written, or there is no room for it.
 */
export function load(file: string, store: ShardedStore, mark: number): void {
  readOnly(file, (sqlite) => {
    checkFormat(sqlite);
    checkPages(sqlite);
    const last = lastCommit(sqlite);
    if (last < mark)
      throw new DataError(
        `the counts end with commit ${last}, and ${mark} was made: the file is damaged, or an old copy`,
      );
    checkState(sqlite);
    checkCommits(sqlite, last);
    const loading = new Loading(sqlite, store);
    loading.folds();
    loading.writers();
    loading.finish();
  });
}

function checkPages(sqlite: DatabaseSync): void {
  const [row = {}] = sqlite.prepare("PRAGMA quick_check(1)").all();
  const [first] = Object.values(row);
  if (first !== "ok") throw damaged(String(first));
}

function checkState(sqlite: DatabaseSync): void {
  if (numberOf(sqlite, "SELECT digest FROM state") !== digestOfState(sqlite)) throw damaged("the folds");
}

/** All that are not folded in, those of folds that were dropped as well. */
function checkCommits(sqlite: DatabaseSync, last: number): void {
  const folds = new Set(
    sqlite
      .prepare("SELECT id FROM fold")
      .all()
      .map(({ id }) => id),
  );
  let number = numberOf(sqlite, "SELECT last_commit FROM state");
  const rows = sqlite
    .prepare("SELECT number, fold, plays, keys, digest FROM commits ORDER BY number")
    .iterate();
  for (const row of rows as unknown as Iterable<CommitRow>) {
    if (row.number !== ++number || !folds.has(row.fold)) throw damaged("a commit is missing");
    if (digestOf(row.number, row.fold, row.plays, row.keys) !== row.digest)
      throw damaged(`commit ${row.number}`);
  }
  if (number !== last) throw damaged("a commit is missing");
}

function damaged(what: string): DataError {
  return new DataError(`the file is damaged: ${what}`);
}

class Loading {
  readonly #sqlite: DatabaseSync;
  readonly #store: ShardedStore;
  readonly #view: CommitView;

  constructor(sqlite: DatabaseSync, store: ShardedStore) {
    this.#sqlite = sqlite;
    this.#store = store;
    this.#view = new CommitView(store.handle);
  }

  /** The folds, oldest first, as they came about. */
  folds(): void {
    const dropped = numberOf(this.#sqlite, "SELECT dropped FROM state");
    if (dropped > 0) {
      this.#store.seal(dropped);
      this.#store.acknowledge(dropped);
    }
    const rows = this.#sqlite
      .prepare("SELECT id, number, state, plays, digest FROM fold WHERE state != 'dropped' ORDER BY id")
      .all() as unknown as FoldRow[];
    if (rows.filter(({ state }) => state === "open").length !== 1)
      throw damaged("there is not one open fold");
    for (const row of rows) {
      this.#songs(row);
      this.#commits(row);
      if (row.number === null) continue;
      this.#store.seal(row.number);
      if (row.state === "kept") this.#store.acknowledge(row.number);
    }
  }

  /** Who wrote last, with what was answered; those that were silent for longest first. */
  writers(): void {
    let [writers, sum] = [0, 0];
    // The plus keeps it from the index, which may be damaged, and nobody would notice the rows that it does not lead to.
    const folded = this.#sqlite
      .prepare("SELECT name, last, used, digest FROM writer ORDER BY +used")
      .iterate();
    for (const { name, last, used, digest } of folded as unknown as Iterable<{
      name: string;
      last: string;
      used: number;
      digest: number;
    }>) {
      if (digestOf(name, last, used) !== digest) throw damaged(`writer ${name}`);
      writers++;
      sum += digest;
      this.#view.remember({ writer: name, ...(JSON.parse(last) as Omit<KeptRequest, "writer">) });
    }
    const kept = this.#sqlite.prepare("SELECT writers, writer_sum AS sum FROM state").get();
    if (kept?.["writers"] !== writers || kept["sum"] !== sum) throw damaged("a writer is missing");
    for (const { keys } of this.#sqlite
      .prepare("SELECT keys FROM commits WHERE keys != '' ORDER BY number")
      .iterate()) {
      for (const request of JSON.parse(String(keys)) as KeptRequest[]) this.#view.remember(request);
    }
  }

  finish(): void {
    this.#view.forgetPlays();
  }

  #songs({ id: fold, plays, digest }: FoldRow): void {
    const sum: Digest = { plays: 0, digest: 0 };
    const rows = this.#sqlite.prepare("SELECT id, plays FROM song WHERE fold = ?").iterate(fold);
    for (const { id: text, plays } of rows as unknown as Iterable<SongRow>) {
      const id = readId(text);
      this.#add(id, plays);
      addTo(sum, id, plays);
    }
    if (sum.plays !== plays || sum.digest !== digest)
      throw damaged("the songs do not add up to what was counted");
  }

  #commits({ id: fold }: FoldRow): void {
    const rows = this.#sqlite
      .prepare("SELECT plays FROM commits WHERE fold = ? ORDER BY number")
      .iterate(fold);
    for (const row of rows) for (const [id, plays] of readPlays(String(row["plays"]))) this.#add(id, plays);
  }

  #add(id: string, plays: number): void {
    try {
      this.#store.add(id, plays);
    } catch (error) {
      if (error instanceof Refusal)
        throw new DataError(`the counts do not fit in: ${error.message}; see --max-store-bytes`, {
          cause: error,
        });
      throw damaged(`the plays of ${JSON.stringify(id).slice(0, 80)}`);
    }
  }
}

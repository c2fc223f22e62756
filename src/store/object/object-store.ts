import { runAtOnce, yieldTurn } from "../../async/turns.ts";
import { completeSettings } from "../../settings/settings.ts";
import { checkFold, checkPlays } from "../arguments.ts";
import {
  type Addition,
  type BatchAddition,
  type CountStore,
  type Entry,
  isTooLong,
  type SealedFold,
  type SongPlays,
  type StoreFigures,
  type StoreOptions,
} from "../count-store.ts";
import { pack } from "../packed-plays.ts";
import { Refusal } from "../refusal.ts";
import { fingerprintOfSong, type RequestKey } from "../request-key.ts";
import { TopSongs } from "../top-songs.ts";
import { Additions } from "./additions.ts";
import { type Fold, inFolds, type ObjectStorage } from "./schema.ts";
import { ObjectTables } from "./tables.ts";

/**
 * Keeps counts in the SQLite database of one Durable Object.
 *
 * Every method is synchronous, except `top`, and the object answers one request at a time. The runtime holds
 * answers back until all earlier writes are durable, and restarts the object if they fail. So no client
 * learns of a count that can be lost, and what is in memory agrees with the database.
 */
export class ObjectStore implements CountStore {
  readonly maxIdBytes: number;
  readonly #maxFolds: number;
  readonly #tables: ObjectTables;
  readonly #additions: Additions;
  /** A random name of this start: the versions of two starts differ. */
  readonly #start: string = crypto.randomUUID();

  /** @throws {RangeError} if a limit is out of range. */
  constructor(storage: ObjectStorage, options: StoreOptions = {}) {
    const settings = completeSettings(options);
    this.maxIdBytes = settings.maxIdBytes;
    this.#maxFolds = settings.maxFolds;
    this.#tables = new ObjectTables(storage);
    this.#additions = new Additions(this.#tables, settings);
  }

  get unavailableBecause(): string | undefined {
    return this.#tables.unavailableBecause;
  }

  get version(): string {
    return `${this.#start}-${this.#tables.changes}`;
  }

  get newestFold(): number {
    return this.#tables.newestFold;
  }

  get(id: string, after?: number): number {
    if (isTooLong(id, this.maxIdBytes)) throw Refusal.tooLong(this.maxIdBytes);
    const folds = inFolds(this.#tables.since(after));
    const query = `SELECT coalesce(sum(plays), 0) AS count FROM song WHERE ${folds} AND id = ?`;
    return this.#tables.row<{ count: number }>(query, id)?.count ?? 0;
  }

  getAll(ids: readonly string[], after?: number): number[] {
    return ids.map((id) => this.get(id, after));
  }

  add(id: string, plays: number, key?: RequestKey): Addition {
    if (isTooLong(id, this.maxIdBytes)) throw Refusal.tooLong(this.maxIdBytes);
    checkPlays(plays);
    const fingerprint = () => fingerprintOfSong(id, plays);
    const { counts, fold } = this.#additions.add({ kind: "song", plays: [[id, plays]], fingerprint }, key);
    return { count: counts[0] as number, fold };
  }

  addAll(plays: SongPlays, key?: RequestKey): BatchAddition {
    const packed = runAtOnce(pack(plays, this));
    const fingerprint = () => runAtOnce(packed.fingerprint("batch"));
    return this.#additions.add({ kind: "batch", plays: packed, fingerprint }, key);
  }

  entries(after?: number): Iterable<Entry[]> {
    return this.#tables.list(() => this.#tables.since(after));
  }

  async top(n: number, after?: number): Promise<Entry[]> {
    const top = new TopSongs(n);
    for (const chunk of this.entries(after)) {
      for (const entry of chunk) top.offer(entry);
      await yieldTurn();
    }
    return top.entries();
  }

  seal(fold: number, label: string = ""): boolean {
    checkFold(fold, label);
    const { folds, newestFold, sealed } = this.#tables;
    const same = folds.find(({ number }) => number === fold);
    if (same !== undefined) {
      checkLabel(same, label);
      return false;
    }
    if (fold <= newestFold) throw Refusal.belowNewest(fold, newestFold);
    if (sealed.length >= this.#maxFolds) throw Refusal.tooManyFolds(this.#maxFolds);
    this.#tables.change((run) => {
      const update = "UPDATE fold SET number = ?, label = ?, sealed_at = ? WHERE number IS NULL";
      run(update, fold, label, Date.now());
      run("INSERT INTO fold DEFAULT VALUES");
    });
    return true;
  }

  folds(): SealedFold[] {
    return this.#tables.sealed.map(({ number, label, sealed_at }) => {
      return { fold: number as number, label, sealedAt: sealed_at ?? undefined };
    });
  }

  fold(fold: number): Iterable<Entry[]> {
    const find = (): Fold[] => {
      const { folds, state } = this.#tables;
      const found = folds.filter(({ number }) => number === fold);
      if (found.length > 0) return found;
      throw fold <= state.dropped ? Refusal.dropped(state.dropped) : Refusal.unknownFold(fold);
    };
    find();
    return this.#tables.list(find);
  }

  acknowledge(fold: number, label?: string): void {
    const { kept, sealed } = this.#tables;
    if (fold <= (kept?.number ?? 0)) return;
    const found = sealed.find(({ number }) => number === fold);
    if (found === undefined) throw Refusal.unknownFold(fold);
    if (label !== undefined) checkLabel(found, label);
    if (found !== sealed[0]) throw Refusal.olderFirst(fold, sealed[0]?.number as number);
    this.#tables.change((run) => {
      run("UPDATE fold SET acknowledged_at = ? WHERE id = ?", Date.now(), found.id);
      if (kept === undefined) return;
      run("UPDATE state SET dropped = ?", kept.number);
      run("DELETE FROM song WHERE fold = ?", kept.id);
      run("DELETE FROM fold WHERE id = ?", kept.id);
    });
  }

  clear(unless?: (version: string) => boolean): boolean {
    if (unless?.(this.version)) return false;
    const { open } = this.#tables;
    this.#tables.change((run) => {
      run("DELETE FROM song; DELETE FROM fold; UPDATE state SET dropped = 0");
      run("INSERT INTO fold (id) VALUES (?)", open.id + 1);
    });
    return true;
  }

  figures(): StoreFigures {
    const { folds, kept, sealed, songs } = this.#tables;
    return {
      songs,
      folds: sealed.length,
      oldestSealedAt: sealed[0]?.sealed_at ?? undefined,
      lastSealedAt: folds.at(-2)?.sealed_at ?? undefined,
      lastAcknowledgedAt: kept?.acknowledged_at ?? undefined,
    };
  }
}

function checkLabel({ number, label }: Fold, given: string): void {
  if (given !== label) throw Refusal.otherLabel(number as number, label);
}

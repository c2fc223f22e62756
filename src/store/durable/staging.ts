import { fingerprintOf } from "../request-key.ts";
import { Refusal } from "../refusal.ts";
import type { CommitView } from "../memory/commit-view.ts";
import type { KeptRequest } from "./disk/database.ts";
import type { Added, Addend } from "./threads/messages.ts";

/** Songs of a request whose new counts are kept: a request that is sent again and has more is answered with those of then. */
const MOST_TOTALS = 10_000;

/**
 * What will be added by the next commit: it is checked against the store and what came before it in the same commit, so
 * that nothing can be in the way when it is durable.
 */
export class Staging {
  readonly #store: CommitView;
  /** Plays by song, all of the commit. */
  readonly plays: Map<string, number> = new Map();
  readonly keys: KeptRequest[] = [];
  readonly #writers = new Set<string>();
  /** How often something was staged. */
  changes = 0;
  #newSongs = 0;

  constructor(store: CommitView) {
    this.#store = store;
  }

  get isEmpty(): boolean {
    return this.plays.size === 0 && this.keys.length === 0;
  }

  /** Stages plays of one song, and gives the new count; `undefined` if that is refused. */
  tryAdd(id: string, plays: number): number | undefined {
    const newSongs = this.#newSongs;
    try {
      const count = this.#check(id, plays);
      this.#store.reserve(id);
      this.#stage(id, plays);
      return count;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#newSongs = newSongs;
      return undefined;
    }
  }

  /** Whether something of the same writer is staged: what it asks for next has to wait for that. */
  isWriting({ key }: Addend): boolean {
    return key !== undefined && this.#writers.has(key.writer);
  }

  /** Stages all of several songs or nothing; gives what was answered if the store has added it before. */
  addAll(addend: Addend): Added {
    const { kind, key } = addend;
    const plays = new Map(addend.plays);
    if (key === undefined) return { counts: this.#stageAll(plays), fold: this.#store.newestFold };
    const fingerprint = fingerprintOf(kind, plays);
    const recalled = this.#store.recall(key, fingerprint, plays);
    if (recalled !== undefined) return { counts: [...recalled.counts], fold: recalled.fold };
    const counts = this.#stageAll(plays);
    const fold = this.#store.newestFold;
    const totals = counts.length > MOST_TOTALS ? null : counts;
    this.keys.push({ writer: key.writer, seq: key.seq, fingerprint, fold, totals });
    this.changes++;
    this.#writers.add(key.writer);
    return { counts, fold };
  }

  #stageAll(plays: ReadonlyMap<string, number>): number[] {
    const newSongs = this.#newSongs;
    try {
      const counts = Array.from(plays, ([id, more]) => this.#check(id, more));
      for (const [id, more] of plays) if (more > 0) this.#store.reserve(id);
      for (const [id, more] of plays) this.#stage(id, more); // from here on nothing can fail
      return counts;
    } catch (error) {
      this.#newSongs = newSongs;
      throw error;
    }
  }

  #check(id: string, plays: number): number {
    const staged = this.plays.get(id) ?? 0;
    const { count, isNew } = this.#store.check(id, plays, staged, this.#newSongs);
    if (isNew && staged === 0 && plays > 0) this.#newSongs++;
    return count;
  }

  #stage(id: string, plays: number): void {
    if (plays === 0) return;
    this.plays.set(id, (this.plays.get(id) ?? 0) + plays);
    this.changes++;
  }
}

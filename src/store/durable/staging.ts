import { fingerprintOf } from "../request-key.ts";
import { Refusal } from "../refusal.ts";
import type { CommitView } from "../memory/commit-view.ts";
import type { KeptRequest } from "./disk/database.ts";
import type { AddRequest, AddResult } from "./threads/messages.ts";

/** A request with more songs is remembered without its counts: a retry returns the current ones. */
const MAX_KEPT_TOTALS = 10_000;

/**
 * The additions of the next commit. Each is checked against the store and the additions before it, and its
 * song has a place in memory, so that nothing can fail after the commit.
 */
export class Staging {
  readonly #store: CommitView;
  /** Plays by song. */
  readonly plays: Map<string, number> = new Map();
  readonly keys: KeptRequest[] = [];
  readonly #writers = new Set<string>();
  /** Plays and keys that were staged: unchanged by a request without effect. */
  changes = 0;
  #newSongs = 0;

  constructor(store: CommitView) {
    this.#store = store;
  }

  get isEmpty(): boolean {
    return this.plays.size === 0 && this.keys.length === 0;
  }

  /** Stages plays of one song, and returns its new count, or `undefined` if the store refuses. */
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

  /** True if a request of the same writer is staged: the writer's next request has to wait for its commit. */
  hasWriterOf({ key }: AddRequest): boolean {
    return key !== undefined && this.#writers.has(key.writer);
  }

  /**
   * Stages all songs of a request or none. Returns the reply to the same request, if that was added before.
   */
  addAll(request: AddRequest): AddResult {
    const { kind, key } = request;
    const plays = new Map(request.plays);
    if (key === undefined) return { counts: this.#stageAll(plays), fold: this.#store.newestFold };
    const fingerprint = fingerprintOf(kind, plays);
    const recalled = this.#store.recall(key, fingerprint, plays);
    if (recalled !== undefined) return { counts: [...recalled.counts], fold: recalled.fold };
    const counts = this.#stageAll(plays);
    const fold = this.#store.newestFold;
    const totals = counts.length > MAX_KEPT_TOTALS ? null : counts;
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
      for (const [id, more] of plays) this.#stage(id, more); // nothing fails from here on
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

import { BatchWrite } from "./batch-write.ts";
import { type BatchAddition, MAX_COUNT } from "../count-store.ts";
import { FoldLifecycle } from "./fold-lifecycle.ts";
import { Refusal } from "../refusal.ts";
import type { LastRequest, RequestKey } from "../request-key.ts";
import type { StoreHandle } from "./store-handle.ts";
import { Shards } from "./shards.ts";

/** The outcome of an addition that was checked. */
export interface CheckedAddition {
  /** The new count. */
  count: number;
  /** True if the song has no plays yet. */
  isNew: boolean;
}

/**
 * A store as its commit thread sees it. That thread made the store, and is the only one that changes it.
 *
 * An addition takes two steps, so that it cannot fail once it is durable: before the commit it is checked and
 * its entry is reserved ({@linkcode check}, {@linkcode reserve}); after the commit it is added ({@linkcode
 * add}).
 */
export class CommitView {
  readonly #shards: Shards;
  readonly #folds: FoldLifecycle;
  readonly #batch: BatchWrite;
  readonly #maxSongs: number;
  /** Steps of freeing dropped folds: a commit thread that sleeps runs no timers, and so calls them itself. */
  readonly #steps: (() => true | undefined)[] = [];

  constructor(handle: StoreHandle) {
    this.#shards = new Shards(handle, 1);
    this.#folds = new FoldLifecycle(this.#shards, handle.maxFolds, (step) => this.#steps.push(step));
    this.#batch = new BatchWrite(this.#shards, handle);
    this.#maxSongs = handle.maxSongs;
  }

  /** The newest fold; 0 if none. */
  get newestFold(): number {
    return this.#folds.newest();
  }

  /**
   * Checks that `plays` can be added to a song after the same commit has added `staged` plays to it, and
   * `newSongs` songs to the store. Returns the outcome.
   *
   * @throws {Refusal} as {@linkcode CountStore.add} does.
   */
  check(id: string, plays: number, staged: number, newSongs: number): CheckedAddition {
    const { ring, heap } = this.#shards;
    const at = this.#shards.locate(id);
    this.#shards.lock(at);
    try {
      const counted = this.#shards.sum(at, ring.firstCounted);
      const all = counted + this.#shards.sum(at, 0, ring.firstCounted);
      if (plays > MAX_COUNT - all - staged) throw Refusal.overflow(all + staged, plays);
      const isNew = all === 0;
      if (isNew && staged === 0 && plays > 0 && heap.songs + newSongs >= this.#maxSongs)
        throw Refusal.full(this.#maxSongs);
      return { count: counted + staged + plays, isNew };
    } finally {
      this.#shards.unlock(at);
    }
  }

  /**
   * Makes an entry without plays for a song that has none.
   *
   * @throws {Refusal} `full` if memory is used up.
   */
  reserve(id: string): void {
    const at = this.#shards.locate(id);
    this.#shards.lock(at);
    try {
      const open = this.#shards.openShard(at);
      if (open.find(this.#shards.id) === 0 && open.insert(this.#shards.id) === 0) throw Refusal.noMemory();
    } finally {
      this.#shards.unlock(at);
    }
  }

  /** Returns true if sealing `fold` would change anything. Throws as {@linkcode CountStore.seal} does. */
  canSeal(fold: number): boolean {
    return this.#folds.canSeal(fold);
  }

  /**
   * Returns true if acknowledging `fold` would change anything. Throws as {@linkcode CountStore.acknowledge}
   * does.
   */
  canAcknowledge(fold: number): boolean {
    return this.#folds.canAcknowledge(fold);
  }

  /**
   * Acknowledges as {@linkcode CountStore.acknowledge} does, but leaves freeing the dropped fold to
   * {@linkcode free}.
   */
  acknowledge(fold: number, now: number = Date.now()): void {
    this.#folds.acknowledge(fold, now);
  }

  /** True while the memory of a dropped fold is to be freed. */
  get hasToFree(): boolean {
    return this.#steps.length > 0;
  }

  /** Frees some memory of dropped folds, in one or two milliseconds. */
  free(): void {
    if (this.#steps[0]?.() === true) this.#steps.shift();
  }

  /** Adds plays that were checked and reserved, as one change. */
  add(plays: ReadonlyMap<string, number>): void {
    this.#batch.addPrepared(plays);
  }

  /**
   * Returns the answer to a request if it is the last one of its writer. Throws as {@linkcode CountStore.add}
   * does.
   */
  recall(
    key: RequestKey,
    fingerprint: number,
    plays: ReadonlyMap<string, number>,
  ): BatchAddition | undefined {
    return this.#batch.recall(key, fingerprint, plays);
  }

  /** Keeps a request and its answer as the last one of its writer. */
  remember({ writer, seq, fingerprint, fold, totals }: LastRequest & { writer: string }): void {
    const { lastRequests } = this.#shards;
    lastRequests.whileLocked(() => {
      const answer = { fold, counts: totals === null ? undefined : Float64Array.from(totals) };
      const write = (unit: number, value: number) => {
        lastRequests.numbers[unit] = value;
      };
      lastRequests.remember({ writer, seq }, fingerprint, answer, write);
    });
  }
}

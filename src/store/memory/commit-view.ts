import { BatchWrite } from "./batch-write.ts";
import { type BatchAddition, MAX_COUNT } from "../count-store.ts";
import { FoldLifecycle } from "./fold-lifecycle.ts";
import { Refusal } from "../refusal.ts";
import type { LastRequest, RequestKey } from "../request-key.ts";
import type { StoreHandle } from "./handle.ts";
import { Shards } from "./shards.ts";

/** What an addition will come to. */
export interface CheckedAddition {
  count: number;
  /** Whether the song has no plays yet. */
  isNew: boolean;
}

/**
 * Sees to it that an addition which is made later cannot fail. For the thread that made a store, if it is the only one
 * that changes it.
 */
export class CommitView {
  readonly #shards: Shards;
  readonly #folds: FoldLifecycle;
  readonly #batch: BatchWrite;
  readonly #maxSongs: number;
  /** Of freeing what was dropped: a thread that sleeps has no timers. */
  readonly #steps: (() => true | undefined)[] = [];

  constructor(handle: StoreHandle) {
    this.#shards = new Shards(handle, 1);
    this.#folds = new FoldLifecycle(this.#shards, handle.maxFolds, (step) => this.#steps.push(step));
    this.#batch = new BatchWrite(this.#shards, handle);
    this.#maxSongs = handle.maxSongs;
  }

  /** The newest fold; 0 if there is none. */
  get newestFold(): number {
    return this.#folds.newest();
  }

  /**
   * Looks whether `plays` can be added to a song, to which `staged` will have been added by then, and `newSongs` new songs.
   *
   * @throws {Refusal} as {@linkcode CountStore.add}.
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
   * Sees to it that a song has its place in memory.
   *
   * @throws {Refusal} `full` if there is none.
   */
  reserve(id: string): void {
    const at = this.#shards.locate(id);
    this.#shards.lock(at);
    try {
      const open = this.#shards.openShard(at);
      if (open.find(this.#shards.id) === 0 && open.place(this.#shards.id) === 0) throw Refusal.noMemory();
    } finally {
      this.#shards.unlock(at);
    }
  }

  /** Whether sealing would do something. Throws as {@linkcode CountStore.seal}. */
  canSeal(fold: number): boolean {
    return this.#folds.canSeal(fold);
  }

  /** Whether acknowledging would do something. Throws as {@linkcode CountStore.acknowledge}. */
  canAcknowledge(fold: number): boolean {
    return this.#folds.canAcknowledge(fold);
  }

  /** As {@linkcode CountStore.acknowledge}; the memory of what is dropped is freed by {@linkcode free}. */
  acknowledge(fold: number): void {
    this.#folds.acknowledge(fold);
  }

  get hasToFree(): boolean {
    return this.#steps.length > 0;
  }

  /** Frees some of the memory of folds that were dropped. */
  free(): void {
    if (this.#steps[0]?.() === true) this.#steps.shift();
  }

  /** Makes an addition that is prepared, all of it at one instant. */
  add(plays: ReadonlyMap<string, number>): void {
    this.#batch.addPrepared(plays);
  }

  /** Says that nothing was played since the start: what is there was read. */
  forgetPlays(): void {
    const { heap } = this.#shards;
    heap.numbers[heap.playsUnit] = 0;
  }

  /** What was answered to a request before; `undefined` if it is to be done. Throws as {@linkcode CountStore.add}. */
  recall(
    key: RequestKey,
    fingerprint: number,
    plays: ReadonlyMap<string, number>,
  ): BatchAddition | undefined {
    return this.#batch.recall(key, fingerprint, plays);
  }

  /** Has a request and its answer be remembered. */
  remember({ writer, seq, fingerprint, fold, totals }: LastRequest & { writer: string }): void {
    const { lastRequests } = this.#shards;
    lastRequests.whileLocked(() => {
      const answer = { fold, totals: totals === null ? undefined : Float64Array.from(totals) };
      const write = (unit: number, value: number) => {
        lastRequests.numbers[unit] = value;
      };
      lastRequests.remember({ writer, seq }, fingerprint, answer, write);
    });
  }
}

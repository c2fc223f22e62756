import { runInTurns, WorkSlice } from "../../async/turns.ts";
import type { FoldFigures, SealedFold } from "../count-store.ts";
import { Refusal } from "../refusal.ts";
import { type Shards, STEP_SONGS } from "./shards.ts";

// Sealing a fold
//
// A store counts in several sets: the open set, into which plays are added, and one for each fold. The ring
// (fold-ring.ts) lists the sets, oldest first. A set has a slot there, and a head for each shard
// (shard-table.ts). A song's count is its sum over the sets that are not acknowledged.
//
//   open --seal--> sealed --acknowledge--> kept --acknowledge the next--> dropped --free--> slot is free
//
// seal         Locks all shards, and opens the next set, whose heads are empty. The set that was open is a
//              fold from then on. No song is copied or visited: sealing takes as long as taking all locks,
//              however many songs the store has. No count changes, as each is a sum over all these sets.
// acknowledge  Locks all shards, and marks the oldest fold as kept. Counts no longer include it, except those
//              asked for with an older `after`. The songs that only this fold has, of which the ring has the
//              number, are subtracted. The fold kept before is dropped: it leaves the ring.
// free         Visits a dropped set shard by shard, one lock at a time, in steps of one or two milliseconds,
//              and gives its blocks back to the heap. Its slot names the thread that does it, and is free at
//              the end. A clear empties all slots, and ends it.
//
// Not guaranteed: the next slot may not be free yet when folds are acknowledged faster than freed. Then
// sealing is refused as `too many folds`. If a thread dies half-way: recovery.ts.

/** Seals, acknowledges, lists and frees the folds of a store. */
export class FoldLifecycle {
  readonly #shards: Shards;
  readonly #maxFolds: number;
  readonly #run: (task: Generator<undefined, void>) => unknown;

  /** `run` runs a task that yields between its slices, and lets other work run in between. */
  constructor(
    shards: Shards,
    maxFolds: number,
    run: (task: Generator<undefined, void>) => unknown = runInTurns,
  ) {
    this.#shards = shards;
    this.#maxFolds = maxFolds;
    this.#run = run;
  }

  /** See {@linkcode CountStore.seal}. */
  seal(sealed: SealedFold): boolean {
    const { ring, heap } = this.#shards;
    return this.#shards.whileAllLocked(() => {
      if (!this.canSeal(sealed.fold, sealed.label)) return false;
      heap.recordChange();
      ring.seal(sealed, heap.songs);
      return true;
    });
  }

  /**
   * Returns true if {@linkcode seal} would seal the fold. Throws as `seal` does. The caller holds a shard's
   * lock, or is the only thread that changes folds.
   */
  canSeal(fold: number, label: string): boolean {
    const { ring } = this.#shards;
    const set = ring.find(fold);
    if (set !== -1) {
      this.#checkLabel(set, label);
      return false;
    }
    if (fold <= ring.newest) throw Refusal.belowNewest(fold, ring.newest);
    if (ring.unacknowledged >= this.#maxFolds) throw Refusal.tooManyFolds(this.#maxFolds);
    if (!ring.hasRoom)
      throw new Refusal(
        "too many folds",
        "The memory of acknowledged folds is still being freed: try again in a second",
      );
    return true;
  }

  /** Returns the folds that are not acknowledged, in ascending order. */
  list(): SealedFold[] {
    const { ring } = this.#shards;
    return this.#shards.whileLocked([0], () => {
      const oldest = ring.firstCounted;
      return Array.from({ length: ring.unacknowledged }, (_, at) => ring.sealedFold(oldest + at));
    });
  }

  /** Returns the number of unacknowledged folds, and the times of the last seals and acknowledgement. */
  figures(): FoldFigures {
    const { ring } = this.#shards;
    return this.#shards.whileLocked([0], () => {
      const { firstCounted, open, unacknowledged: folds } = ring;
      return {
        folds,
        oldestSealedAt: folds === 0 ? undefined : ring.sealedFold(firstCounted).sealedAt,
        lastSealedAt: ring.sealedFold(open - 1).sealedAt,
        lastAcknowledgedAt: ring.acknowledgedAt || undefined,
      };
    });
  }

  /**
   * See {@linkcode CountStore.acknowledge}. The memory of the dropped fold is freed in steps, after the
   * return. `now`: in milliseconds since 1970.
   */
  acknowledge(fold: number, label: string | undefined, now: number): void {
    const { ring, heap } = this.#shards;
    const dropped = this.#shards.whileAllLocked(() => {
      if (!this.canAcknowledge(fold, label)) return undefined;
      heap.recordChange();
      const songs = ring.songsOf(ring.firstCounted);
      const set = ring.acknowledge(now);
      heap.unclaimSongs(songs);
      return set;
    });
    if (dropped !== undefined) this.free(dropped);
  }

  /** Returns true if {@linkcode acknowledge} would change anything. Called as {@linkcode canSeal} is. */
  canAcknowledge(fold: number, label: string | undefined): boolean {
    const { ring } = this.#shards;
    if (fold <= ring.foldOf(ring.kept)) return false;
    const set = ring.setOf(fold);
    if (label !== undefined) this.#checkLabel(set, label);
    if (set !== ring.firstCounted) throw Refusal.olderFirst(fold, ring.foldOf(ring.firstCounted));
    return true;
  }

  #checkLabel(set: number, given: string): void {
    const { fold, label } = this.#shards.ring.sealedFold(set);
    if (given !== label) throw Refusal.otherLabel(fold, label);
  }

  /** Frees the memory of a dropped set, and then its slot. */
  free(set: number): void {
    this.#run(this.#freeInSlices(set));
  }

  *#freeInSlices(set: number): Generator<undefined, void> {
    const { ring, shardCount } = this.#shards;
    const slice = new WorkSlice(STEP_SONGS);
    for (let at = 0; at < shardCount;) {
      // The lock's owner may have died, and this thread may be the one that is to release its locks.
      if (!this.#shards.tryLock(at)) {
        yield;
        continue;
      }
      let songs: number;
      try {
        if (!ring.isFreeing(set)) return; // the store was cleared
        const shard = this.#shards.shardOf(set, at);
        songs = shard.songs;
        shard.free();
      } finally {
        this.#shards.unlock(at);
      }
      at++;
      // Not after the last shard: the store could be cleared, and the slot have another set to free.
      if (slice.isFull(songs) && at < shardCount) yield;
    }
    ring.endFreeing(set);
  }
}

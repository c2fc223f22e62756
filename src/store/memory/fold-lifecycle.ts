import { runInTurns, WorkSlice } from "../../async/turns.ts";
import type { FoldFigures, SealedFold } from "../count-store.ts";
import { Refusal } from "../refusal.ts";
import type { Shards } from "./shards.ts";

// Sealing a fold
//
// A store counts in several sets: the open set, into which plays are added, and one for each fold. A set
// occupies a slot, and has a head for each shard there (shard-table.ts). The ring (fold-ring.ts) lists the
// sets, oldest first, each with its slot. A song's count is its sum over the sets that are not acknowledged.
//
//   open --seal--> sealed --acknowledge--> kept --acknowledge the next--> dropped --free--> slot is free
//
// seal         Locks all shards, takes a free slot, whose heads are empty, and appends it to the ring. The
//              set that was open is a fold from then on. No song is copied or visited: sealing takes as long
//              as taking all locks, however many songs the store has. No count changes, as each is a sum over
//              all these sets.
// acknowledge  Locks all shards, and marks the oldest fold as kept. Counts no longer include it, except those
//              asked for with an older `after`. The songs that only this fold has, of which the ring has the
//              number, are subtracted. The fold kept before is dropped: it leaves the ring.
// free         Visits a dropped set shard by shard, one lock at a time, in steps of one or two milliseconds,
//              and gives its blocks back to the heap. Its slot names the thread that does it, and is free at
//              the end. A clear empties all slots, and ends it.
//
// Not guaranteed: a slot may be missing for a moment when folds are acknowledged faster than freed. Then
// sealing is refused as `too many folds`. If a thread dies half-way: recovery.ts.

/** A step of freeing ends with the first shard after this many songs: one or two milliseconds. */
const STEP_SONGS = 4096;

/** Seals, acknowledges, lists and frees the folds of a store. */
export class FoldLifecycle {
  readonly #shards: Shards;
  readonly #maxFolds: number;
  readonly #run: (task: Generator<undefined, void>) => unknown;
  /** The latest run of {@linkcode free} for a slot, which may be in use and dropped again after a clear. */
  readonly #runs = new Map<number, number>();

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
      if (!this.#canSeal(sealed.fold, sealed.label)) return false;
      heap.recordChange();
      ring.seal(sealed, this.#shards.slots.take(), heap.songs);
      return true;
    });
  }

  /** Returns true if {@linkcode seal} would seal the fold. Throws as `seal` does. */
  canSeal(fold: number, label: string): boolean {
    return this.#shards.whileAllLocked(() => this.#canSeal(fold, label));
  }

  #canSeal(fold: number, label: string): boolean {
    const { ring } = this.#shards;
    const place = ring.placeOf(fold);
    if (place !== -1) {
      this.#checkLabel(place, label);
      return false;
    }
    if (fold <= ring.newest) throw Refusal.belowNewest(fold, ring.newest);
    if (ring.length - 1 - ring.firstCounted >= this.#maxFolds) throw Refusal.tooManyFolds(this.#maxFolds);
    if (!this.#shards.slots.hasFree())
      throw new Refusal(
        "too many folds",
        "The memory of acknowledged folds is still being freed: try again in a second",
      );
    return true;
  }

  /** Returns the folds that are not acknowledged, in ascending order. */
  list(): SealedFold[] {
    return this.#shards.whileAllLocked(() => {
      const { ring } = this.#shards;
      const places = Array.from({ length: ring.length - 1 }, (_, place) => place);
      return places.slice(ring.firstCounted).map((place) => ({
        fold: ring.numberAt(place),
        label: ring.labelAt(place),
        sealedAt: ring.sealedAt(place),
      }));
    });
  }

  /** Returns the number of unacknowledged folds, and the times of the last seals and acknowledgement. */
  figures(): FoldFigures {
    this.#shards.lock(0);
    try {
      const { ring } = this.#shards;
      const folds = ring.length - 1 - ring.firstCounted;
      return {
        folds,
        oldestSealedAt: folds === 0 ? undefined : ring.sealedAt(ring.firstCounted),
        lastSealedAt: ring.length === 1 ? undefined : ring.sealedAt(ring.length - 2),
        lastAcknowledgedAt: ring.acknowledgedAt || undefined,
      };
    } finally {
      this.#shards.unlock(0);
    }
  }

  /**
   * See {@linkcode CountStore.acknowledge}. The memory of the dropped fold is freed in steps, after the
   * return. `now`: in milliseconds since 1970.
   */
  acknowledge(fold: number, label: string | undefined, now: number): void {
    const { ring, heap } = this.#shards;
    const dropped = this.#shards.whileAllLocked(() => {
      if (!this.#canAcknowledge(fold, label)) return undefined;
      heap.recordChange();
      const songs = ring.songsAt(ring.firstCounted);
      let slot: number | undefined;
      if (ring.firstCounted === 0) ring.keep(now);
      else {
        slot = ring.slotAt(0);
        this.#shards.slots.startFreeing(slot);
        ring.drop(now);
      }
      heap.unclaimSongs(songs);
      return slot;
    });
    if (dropped !== undefined) this.free(dropped);
  }

  /** Returns true if {@linkcode acknowledge} would change anything. Throws as `acknowledge` does. */
  canAcknowledge(fold: number, label: string | undefined): boolean {
    return this.#shards.whileAllLocked(() => this.#canAcknowledge(fold, label));
  }

  #canAcknowledge(fold: number, label: string | undefined): boolean {
    const { ring } = this.#shards;
    if (fold <= ring.acknowledged) return false;
    const place = this.placeOf(fold);
    if (label !== undefined) this.#checkLabel(place, label);
    if (place !== ring.firstCounted) throw Refusal.olderFirst(fold, ring.numberAt(ring.firstCounted));
    return true;
  }

  #checkLabel(place: number, label: string): void {
    const { ring } = this.#shards;
    const found = ring.labelAt(place);
    if (found !== label) throw Refusal.otherLabel(ring.numberAt(place), found);
  }

  /** Returns the place of the oldest set that is newer than `after`. The caller holds a shard's lock. */
  firstPlace(after: number | undefined): number {
    const { ring } = this.#shards;
    if (after === undefined) return ring.firstCounted;
    if (after < ring.dropped) throw Refusal.dropped(ring.dropped);
    let place = 0;
    while (ring.numberAt(place) <= after) place++;
    return place;
  }

  /** Returns the place of a fold. The caller holds a shard's lock. */
  placeOf(fold: number): number {
    const { ring } = this.#shards;
    const place = ring.placeOf(fold);
    if (place !== -1) return place;
    throw fold <= ring.dropped ? Refusal.dropped(ring.dropped) : Refusal.unknownFold(fold);
  }

  /** Frees the memory of a dropped set, and then its slot. */
  free(slot: number): void {
    const run = (this.#runs.get(slot) ?? 0) + 1;
    this.#runs.set(slot, run);
    this.#run(this.#freeInSlices(slot, run));
  }

  *#freeInSlices(slot: number, run: number): Generator<undefined, void> {
    const { slots } = this.#shards;
    const slice = new WorkSlice(STEP_SONGS);
    for (let at = 0; this.#runs.get(slot) === run;) {
      if (at === this.#shards.shardCount) slots.endFreeing(slot);
      if (!slots.isFreeing(slot)) return;
      // The lock's owner may have died, and this thread may be the one that is to release its locks.
      if (!this.#shards.tryLock(at)) {
        yield;
        continue;
      }
      let songs: number;
      try {
        if (!slots.isFreeing(slot)) return; // another thread has cleared the store
        const shard = this.#shards.shardIn(slot, at);
        songs = shard.songs;
        shard.free();
      } finally {
        this.#shards.unlock(at);
      }
      at++;
      if (slice.isFull(songs)) yield;
    }
  }
}

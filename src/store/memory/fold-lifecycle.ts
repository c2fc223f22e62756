import { runInSlices } from "../../async.ts";
import { Refusal } from "../refusal.ts";
import type { Shards } from "./shards.ts";

/** A step of freeing a fold visits as many songs, or a shard: a millisecond or two. */
const STEP = 4096;

/** What can be done with the folds of a store. */
export class FoldLifecycle {
  readonly #shards: Shards;
  readonly #maxFolds: number;
  readonly #doInSteps: (step: () => true | undefined) => unknown;
  /** Which run of {@linkcode free} has a slot: after a clear it may be in use again, and dropped again. */
  readonly #runs = new Map<number, number>();

  /** `doInSteps` calls a step until it gives true, with time for everything else in between. */
  constructor(
    shards: Shards,
    maxFolds: number,
    doInSteps: (step: () => true | undefined) => unknown = runInSlices,
  ) {
    this.#shards = shards;
    this.#maxFolds = maxFolds;
    this.#doInSteps = doInSteps;
  }

  /** Takes as long as it takes to lock every shard, however many songs there are. */
  seal(fold: number): boolean {
    const { ring, heap } = this.#shards;
    return this.#shards.whileAllLocked(() => {
      if (!this.#canSeal(fold)) return false;
      heap.countChange();
      ring.seal(fold, this.#shards.takeSlot());
      return true;
    });
  }

  /** Whether {@linkcode seal} would do something. Throws as that does. */
  canSeal(fold: number): boolean {
    return this.#shards.whileAllLocked(() => this.#canSeal(fold));
  }

  #canSeal(fold: number): boolean {
    const { ring } = this.#shards;
    if (ring.placeOf(fold) !== -1) return false;
    if (fold <= ring.newest) throw Refusal.belowNewest(fold, ring.newest);
    if (ring.length - 1 - ring.firstCounted >= this.#maxFolds) throw Refusal.tooManyFolds(this.#maxFolds);
    if (!this.#shards.hasFreeSlot())
      throw new Refusal("too many folds", "Folds that were acknowledged are still being dropped");
    return true;
  }

  /** Those that are not acknowledged, in ascending order. */
  list(): number[] {
    return this.#shards.whileAllLocked(() => {
      const { ring } = this.#shards;
      const places = Array.from({ length: ring.length - 1 }, (_, place) => place);
      return places.slice(ring.firstCounted).map((place) => ring.numberAt(place));
    });
  }

  /** The newest one; 0 if there is none. */
  newest(): number {
    this.#shards.lock(0);
    try {
      return this.#shards.ring.newest;
    } finally {
      this.#shards.unlock(0);
    }
  }

  /** How many are not acknowledged. */
  count(): number {
    this.#shards.lock(0);
    try {
      return this.#shards.ring.length - 1 - this.#shards.ring.firstCounted;
    } finally {
      this.#shards.unlock(0);
    }
  }

  /** Takes as long as it takes to lock every shard. The memory of the fold that is dropped is freed step by step. */
  acknowledge(fold: number): void {
    const { ring, heap } = this.#shards;
    const dropped = this.#shards.whileAllLocked(() => {
      if (!this.#canAcknowledge(fold)) return undefined;
      heap.countChange();
      if (ring.firstCounted === 0) {
        ring.keep();
        return undefined;
      }
      const slot = ring.slotAt(0);
      this.#shards.dispose(slot);
      ring.drop();
      return slot;
    });
    if (dropped !== undefined) this.free(dropped);
  }

  /** Whether {@linkcode acknowledge} would do something. Throws as that does. */
  canAcknowledge(fold: number): boolean {
    return this.#shards.whileAllLocked(() => this.#canAcknowledge(fold));
  }

  #canAcknowledge(fold: number): boolean {
    const { ring } = this.#shards;
    if (fold <= ring.acknowledged) return false;
    const place = this.placeOf(fold);
    if (place !== ring.firstCounted) throw Refusal.olderFirst(fold, ring.numberAt(ring.firstCounted));
    return true;
  }

  /** The place of the oldest set that counts for who asks about what came `after` a fold. The caller holds a shard's lock. */
  firstPlace(after: number | undefined): number {
    const { ring } = this.#shards;
    if (after === undefined) return ring.firstCounted;
    if (after < ring.dropped) throw Refusal.dropped(ring.dropped);
    let place = 0;
    while (ring.numberAt(place) <= after) place++;
    return place;
  }

  /** The place of a fold. The caller holds a shard's lock. */
  placeOf(fold: number): number {
    const { ring } = this.#shards;
    const place = ring.placeOf(fold);
    if (place !== -1) return place;
    throw fold <= ring.dropped ? Refusal.dropped(ring.dropped) : Refusal.unknownFold(fold);
  }

  /** Frees what is in a slot that is no set's any more, shard by shard. */
  free(slot: number): void {
    const { heap, id } = this.#shards;
    const run = (this.#runs.get(slot) ?? 0) + 1;
    this.#runs.set(slot, run);
    let at = 0;
    this.#doInSteps(() => {
      if (this.#runs.get(slot) !== run) return true;
      for (let songs = 0; songs < STEP; at++) {
        if (at === this.#shards.count) this.#shards.disposed(slot);
        if (!this.#shards.isDisposing(slot)) return true;
        // Whoever has the lock may have died, and wait for this thread to release it.
        if (!this.#shards.tryLock(at)) return undefined;
        try {
          if (!this.#shards.isDisposing(slot)) return true; // cleared, by somebody who had the lock
          const shard = this.#shards.shardIn(slot, at);
          songs += shard.songs;
          let gone = 0;
          shard.each(id, () => {
            if (this.#shards.sum(at, 0) === 0) gone++;
          });
          shard.free();
          heap.unclaimSongs(gone);
        } finally {
          this.#shards.unlock(at);
        }
      }
      return undefined;
    });
  }
}

import { type Awaitable, runInSlices } from "../../async.ts";
import type { Chunk, Entry } from "../count-store.ts";
import type { Folds } from "./folds.ts";
import { Highest } from "../top.ts";
import type { PackedShard } from "./packed-shard.ts";
import { ShardCopy } from "./shard-copy.ts";
import type { Shards } from "./shards.ts";

/** A step of a ranking visits as many songs, or one shard more: a millisecond or two. */
const STEP = 4096;

/** Reads many songs of a store, one shard after the other. */
export class Listing {
  readonly #shards: Shards;
  readonly #folds: Folds;

  constructor(shards: Shards, folds: Folds) {
    this.#shards = shards;
    this.#folds = folds;
  }

  /** Each shard is read at one instant, when its turn comes; what is held is a copy of one of them. */
  *entries(after?: number): Generator<Chunk> {
    const copy = new ShardCopy();
    for (let at = 0; at < this.#shards.count; at++) {
      if (this.#isEmpty(at)) continue;
      this.#copy(at, copy, after);
      for (let chunk = copy.next(); chunk !== undefined; chunk = copy.next()) yield chunk;
    }
  }

  /** Each shard is read at one instant; between two steps everything else has its turn. */
  top(n: number, after?: number): Awaitable<Entry[]> {
    const found = new Highest(n);
    const copy = new ShardCopy();
    let at = 0;
    return runInSlices(() => {
      for (let songs = 0; songs < STEP; at++) {
        if (at === this.#shards.count) return found.entries();
        if (this.#isEmpty(at)) continue;
        songs += this.#copy(at, copy, after);
        for (let next = copy.nextFrom(found.bar); next !== undefined; next = copy.nextFrom(found.bar))
          found.offer(next);
      }
      return undefined;
    });
  }

  /** What is in a fold. */
  *fold(fold: number): Generator<Chunk> {
    const copy = new ShardCopy();
    for (let at = 0; at < this.#shards.count; at++) {
      this.#shards.lock(at);
      try {
        copy.take([this.#shards.shard(this.#folds.placeOf(fold), at)], this.#shards.id);
      } finally {
        this.#shards.unlock(at);
      }
      for (let chunk = copy.next(); chunk !== undefined; chunk = copy.next()) yield chunk;
    }
  }

  /** Most shards of a store with few songs are: it is not worth taking their locks, if there are no folds. */
  #isEmpty(at: number): boolean {
    return at > 0 && this.#shards.ring.length === 1 && this.#shards.open(at).songs === 0;
  }

  #copy(at: number, copy: ShardCopy, after: number | undefined): number {
    this.#shards.lock(at);
    try {
      const sets: PackedShard[] = [];
      for (let place = this.#folds.firstPlace(after); place < this.#shards.ring.length; place++) {
        sets.push(this.#shards.shard(place, at));
      }
      return copy.take(sets, this.#shards.id);
    } finally {
      this.#shards.unlock(at);
    }
  }
}

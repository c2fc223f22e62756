import type { Awaitable } from "../../async/awaitable.ts";
import { runInTurns, WorkSlice } from "../../async/turns.ts";
import type { Chunk, Entry } from "../count-store.ts";
import { TopSongs } from "../top-songs.ts";
import type { PackedShard } from "./packed-shard.ts";
import { reverseBits, ShardSnapshot } from "./shard-snapshot.ts";
import type { Shards } from "./shards.ts";

/** A step of `top` ends with the first shard after this many songs: one or two milliseconds. */
const STEP_SONGS = 4096;

/** Reads all songs of a store, or of a fold, one shard after another. Holds a copy of one shard at a time. */
export class SongReader {
  readonly #shards: Shards;
  readonly #keepsOrder: boolean;

  constructor(shards: Shards, keepsOrder: boolean) {
    this.#shards = shards;
    this.#keepsOrder = keepsOrder;
  }

  /** Implements {@linkcode CountStore.entries}. Each shard is read at one instant. */
  *entries(after?: number): Generator<Chunk> {
    const snapshot = new ShardSnapshot();
    for (let at = 0; at < this.#shards.shardCount; at++) {
      if (this.#isEmpty(at)) continue;
      this.#take(at, snapshot, after);
      for (let chunk = snapshot.next(); chunk !== undefined; chunk = snapshot.next()) yield chunk;
    }
  }

  /**
   * Implements {@linkcode CountStore.top}. Each shard is read at one instant, and other work runs between two
   * steps.
   */
  top(n: number, after?: number): Awaitable<Entry[]> {
    return runInTurns(this.#top(n, after));
  }

  *#top(n: number, after: number | undefined): Generator<undefined, Entry[]> {
    const found = new TopSongs(n);
    const snapshot = new ShardSnapshot();
    const slice = new WorkSlice(STEP_SONGS);
    for (let at = 0; at < this.#shards.shardCount; at++) {
      if (this.#isEmpty(at)) continue;
      const songs = this.#take(at, snapshot, after);
      for (let next = snapshot.nextFrom(found.bar); next !== undefined; next = snapshot.nextFrom(found.bar))
        found.offer(next);
      if (slice.isFull(songs)) yield;
    }
    return found.entries();
  }

  /**
   * Implements {@linkcode CountStore.fold}. A store that keeps the order sorts by reversed hash: the lowest
   * bits of a hash, which have chosen the shard, are the highest then, for any number of shards.
   */
  *fold(fold: number): Generator<Chunk> {
    const snapshot = new ShardSnapshot();
    const { id, shardCount } = this.#shards;
    for (let turn = 0; turn < shardCount; turn++) {
      const at = reverseBits(turn) >>> Math.clz32(shardCount - 1);
      this.#shards.whileLocked([at], () => {
        snapshot.take([this.#shards.shardOf(this.#shards.ring.setOf(fold), at)], id);
      });
      if (this.#keepsOrder) snapshot.sort(id);
      for (let chunk = snapshot.next(); chunk !== undefined; chunk = snapshot.next()) yield chunk;
    }
  }

  /**
   * Returns true if a shard has no songs, without its lock: most shards of a store with few songs are empty.
   */
  #isEmpty(at: number): boolean {
    return at > 0 && this.#shards.ring.length === 1 && this.#shards.openShard(at).songs === 0;
  }

  #take(at: number, snapshot: ShardSnapshot, after: number | undefined): number {
    const { ring, id } = this.#shards;
    return this.#shards.whileLocked([at], () => {
      const sets: PackedShard[] = [];
      for (let set = ring.firstAfter(after); set <= ring.open; set++)
        sets.push(this.#shards.shardOf(set, at));
      return snapshot.take(sets, id);
    });
  }
}

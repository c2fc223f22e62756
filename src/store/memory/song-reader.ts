import { WorkSlice } from "../../async/turns.ts";
import type { Chunk, Entry } from "../count-store.ts";
import { readId } from "../packed-id.ts";
import { TopSongs } from "../top-songs.ts";
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
    for (const snapshot of this.#snapshots(after)) yield* snapshot.chunks();
  }

  /** Implements {@linkcode CountStore.top}. Each shard is read at one instant. Yields between steps. */
  *top(n: number, after?: number): Generator<undefined, Entry[]> {
    const found = new TopSongs(n);
    const slice = new WorkSlice(STEP_SONGS);
    for (const snapshot of this.#snapshots(after)) {
      snapshot.each((bytes, start, end, count) => {
        if (count >= found.bar) found.offer([readId(bytes, start, end), count]);
      });
      if (slice.isFull(snapshot.songs)) yield;
    }
    return found.entries();
  }

  /**
   * Implements {@linkcode CountStore.fold}. A store that keeps the order sorts by reversed hash: the lowest
   * bits of a hash, which have chosen the shard, are the highest then, for any number of shards.
   */
  *fold(fold: number): Generator<Chunk> {
    const snapshot = new ShardSnapshot();
    const { ring, id, shardCount } = this.#shards;
    for (let turn = 0; turn < shardCount; turn++) {
      const at = reverseBits(turn) >>> Math.clz32(shardCount - 1);
      this.#shards.whileLocked([at], () => snapshot.take([this.#shards.shardOf(ring.setOf(fold), at)], id));
      if (this.#keepsOrder) snapshot.sort(id);
      yield* snapshot.chunks();
    }
  }

  /** Copies one shard after another: always into the same object. */
  *#snapshots(after: number | undefined): Generator<ShardSnapshot> {
    const snapshot = new ShardSnapshot();
    const { ring, id, shardCount } = this.#shards;
    for (let at = 0; at < shardCount; at++) {
      // Without its lock: most shards of a store with few songs are empty.
      if (at > 0 && ring.newest === 0 && this.#shards.openShard(at).songs === 0) continue;
      this.#shards.whileLocked([at], () => {
        const first = ring.firstAfter(after);
        const sets = Array.from({ length: ring.open + 1 - first }, (_, n) =>
          this.#shards.shardOf(first + n, at),
        );
        snapshot.take(sets, id);
      });
      yield snapshot;
    }
  }
}

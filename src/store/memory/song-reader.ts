import { WorkSlice } from "../../async/turns.ts";
import { PAUSE } from "../chunks.ts";
import type { Chunk, Entry } from "../count-store.ts";
import { readId } from "../packed-id.ts";
import { Refusal } from "../refusal.ts";
import { TopSongs } from "../top-songs.ts";
import { reverseBits, ShardSnapshot } from "./shard-snapshot.ts";
import { type Shards, STEP_SONGS } from "./shards.ts";

/** Sets of a shard that are looked at in the time that adding a song takes. */
const SETS_PER_SONG = 4;

/**
 * Reads all songs of a store, or of a fold, one shard after another. Holds a copy of one shard at a time.
 *
 * Each shard is read at one instant, though in steps: its open set is copied at that instant, and its folds,
 * which do not change, are added afterwards, a few blocks at a time. If one of them is dropped before that,
 * the shard is read again.
 */
export class SongReader {
  readonly #shards: Shards;
  readonly #keepsOrder: boolean;

  constructor(shards: Shards, keepsOrder: boolean) {
    this.#shards = shards;
    this.#keepsOrder = keepsOrder;
  }

  /** Implements {@linkcode CountStore.entries}. */
  *entries(after?: number): Generator<Chunk> {
    for (const snapshot of this.#snapshots(after, new WorkSlice(STEP_SONGS))) {
      if (snapshot === undefined) yield PAUSE;
      else yield* snapshot.chunks();
    }
  }

  /** Implements {@linkcode CountStore.top}. Yields between steps. */
  *top(n: number, after?: number): Generator<undefined, Entry[]> {
    const found = new TopSongs(n);
    const slice = new WorkSlice(STEP_SONGS);
    for (const snapshot of this.#snapshots(after, slice)) {
      snapshot?.each((bytes, start, end, count) => {
        if (count >= found.bar) found.offer([readId(bytes, start, end), count]);
      });
      if (snapshot === undefined || slice.isFull(snapshot.songs)) yield;
    }
    return found.entries();
  }

  /**
   * Implements {@linkcode CountStore.fold} for the set of a fold. A store that keeps the order sorts by
   * reversed hash: the lowest bits of a hash, which have chosen the shard, are the highest then, for any
   * number of shards.
   */
  *fold(set: number): Generator<Chunk> {
    const snapshot = new ShardSnapshot();
    const slice = new WorkSlice(STEP_SONGS);
    const { ring, id, shardCount } = this.#shards;
    for (let turn = 0; turn < shardCount; turn++) {
      const at = reverseBits(turn) >>> Math.clz32(shardCount - 1);
      this.#shards.whileLocked([at], () => {
        if (set < ring.kept) throw new Refusal("gone", "The fold was dropped or cleared while it was read");
        snapshot.take(this.#shards.shardOf(set, at));
      });
      if (this.#keepsOrder) snapshot.sort(id);
      yield* snapshot.chunks();
      if (slice.isFull(1 / SETS_PER_SONG)) yield PAUSE;
    }
  }

  /** Reads one shard after another, always into the same object. Yields `undefined` between steps. */
  *#snapshots(after: number | undefined, slice: WorkSlice): Generator<ShardSnapshot | undefined> {
    const snapshot = new ShardSnapshot();
    for (let at = 0; at < this.#shards.shardCount; at++) {
      while (!(yield* this.#read(snapshot, at, after, slice)));
      yield snapshot;
    }
  }

  /** Reads shard `at`. Returns false if a fold was dropped before it was added. */
  *#read(
    snapshot: ShardSnapshot,
    at: number,
    after: number | undefined,
    slice: WorkSlice,
  ): Generator<undefined, boolean> {
    const { ring, id } = this.#shards;
    const blocks: number[] = [];
    const first = this.#shards.whileLocked([at], () => {
      const first = ring.firstAfter(after);
      snapshot.take(this.#shards.openShard(at));
      for (let set = first; set < ring.open; set++) blocks.push(...this.#shards.shardOf(set, at).blocks());
      return first;
    });
    if (slice.isFull((1 + ring.open - first) / SETS_PER_SONG)) yield;
    while (blocks.length > 0) {
      let isFull = false;
      const isThere = this.#shards.whileLocked([at], () => {
        if (first < ring.kept) return false;
        while (blocks.length > 0 && !isFull)
          isFull = slice.isFull(snapshot.add(this.#shards.openShard(at), blocks.pop() as number, id));
        return true;
      });
      if (!isThere) return false;
      if (isFull) yield;
    }
    return true;
  }
}

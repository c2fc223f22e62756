import { endOfSlice, type PackedBatch } from "../packed-batch.ts";
import { MAX_COUNT } from "../count-store.ts";
import type { PackedId } from "../packed-id.ts";
import { Refusal } from "../refusal.ts";
import type { Shards } from "./shards.ts";

/** The songs of a batch, and the columns that adding it fills in. */
export class BatchColumns {
  readonly batch: PackedBatch;
  readonly size: number;
  /** The shard of a song. */
  readonly shards: Int32Array;
  /** The entry in the open set; 0 if none. */
  readonly entries: Int32Array;
  /** The plays in the folds that are not acknowledged; in the end the new count. */
  readonly counts: Float64Array;
  /** The set of the newest fold that is not acknowledged and has the song; -1 if none. */
  newestSets: Int32Array | undefined;
  /** The plays in an acknowledged fold that is kept. Both are absent if the store has no folds. */
  keptPlays: Float64Array | undefined;
  /** The ids as strings, if they are needed and the batch is large. */
  readonly texts: string[] = [];
  /** Songs that are new to the store. */
  added = 0;
  /** True if adding all songs takes more than one slice. */
  readonly isLarge: boolean;
  /** True while this thread holds the locks of all songs. */
  isLocked = false;
  readonly #store: Shards;

  constructor(batch: PackedBatch, store: Shards) {
    const { shardCount, ring } = store;
    const { size, words, idPositions } = batch;
    this.batch = batch;
    this.#store = store;
    this.size = size;
    this.shards = new Int32Array(size);
    for (let song = 0; song < size; song++)
      this.shards[song] = (words[idPositions[song] as number] as number) & (shardCount - 1);
    this.entries = new Int32Array(size);
    this.counts = new Float64Array(size);
    this.isLarge = endOfSlice(batch, 0, ring.length) < size;
  }

  /** The shards of all songs, each once and in ascending order, if the store needs locks. */
  get shardsToLock(): readonly number[] | Int32Array {
    const { isShared, shardCount } = this.#store;
    if (!isShared) return [];
    if (this.size === 1) return this.shards;
    if (this.size === 0) return [0]; // an empty batch reads the ring, for which one lock is needed
    const sets = new Int32Array(shardCount / 32);
    for (const shard of this.shards) sets[shard >> 5] = (sets[shard >> 5] as number) | (1 << (shard & 31));
    const found: number[] = [];
    for (let set = 0; set < sets.length; set++) {
      for (let rest = sets[set] as number; rest !== 0; rest &= rest - 1)
        found.push(set * 32 + 31 - Math.clz32(rest & -rest));
    }
    return found;
  }

  /** Copies the id of a song into `id`. */
  load(song: number, id: PackedId): void {
    const { words, idPositions } = this.batch;
    const place = idPositions[song] as number;
    id.load(words, place + 1, words[place] as number);
  }

  /** Checks the new count of a song, which has `open` plays in the open set. Counts the song if it is new. */
  check(song: number, open: number): void {
    const plays = this.batch.plays[song] as number;
    const all = (this.counts[song] as number) + open;
    const kept = this.keptPlays?.[song] ?? 0;
    if (plays > MAX_COUNT - kept - all) throw Refusal.overflow(all, plays, kept);
    if (plays > 0 && all === 0) this.added++;
  }
}

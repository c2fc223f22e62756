import { FoldRing } from "./fold-ring.ts";
import { alignTo, type Layout, LINE_WORDS, layOut } from "./layout.ts";
import { SHARD_HEAD_WORDS } from "./packed-shard.ts";

// The table that follows the heap's head: the state of the shards except their songs. Each part begins
// with a cache line.
//
//     +-----------+-------------+------------+-----------------+------------------------------------------+
//     | fold ring | is clearing | slot state | locks           | heads                                    |
//     | (fold-    | 1 word      | 1 word for | a cache line a  | slot 0: shard 0, 1, …, slot 1: shard 0 … |
//     |  ring.ts) |             | each slot  | shard (lock.ts) | 4 words each (packed-shard.ts)           |
//     +-----------+-------------+------------+-----------------+------------------------------------------+
//
// A slot holds one set: a head for each shard. The fold ring has the slots of the open set and of the folds.

/** Slots beside those of a full ring, for dropped folds whose memory is being freed. */
const SPARE_SLOTS = 4;

/** Parts of the table, by their first words. */
export type ShardTable = Layout<"ring" | "isClearing" | "states" | "locks" | "heads">;

/** Lays the table of `shards` shards out, from word `start` on. */
export function shardTable(shards: number, maxFolds: number, start: number): ShardTable {
  const slots = slotsFor(maxFolds);
  const { end, ...parts } = layOut(
    {
      ring: [FoldRing.wordsFor(maxFolds), LINE_WORDS],
      isClearing: [1, LINE_WORDS],
      states: [slots, LINE_WORDS],
      locks: [LINE_WORDS * shards, LINE_WORDS],
      heads: [SHARD_HEAD_WORDS * shards * slots, LINE_WORDS],
    },
    start,
  );
  return { ...parts, end: alignTo(end, LINE_WORDS) };
}

/**
 * Slots of a store: for the open set, the folds that may be unacknowledged, the kept one, and dropped ones.
 */
export function slotsFor(maxFolds: number): number {
  return maxFolds + 2 + SPARE_SLOTS;
}

/** Bytes that a shard takes without songs. */
export function bytesOfShard(maxFolds: number): number {
  return (LINE_WORDS + SHARD_HEAD_WORDS * slotsFor(maxFolds)) * 4;
}

import { FoldRing } from "./fold-ring.ts";
import { HEAD_WORDS } from "./heap.ts";
import { type Layout, LINE_WORDS, layOut } from "./layout.ts";
import { SHARD_HEAD_WORDS } from "./packed-shard.ts";
import { slotsFor } from "./set-slots.ts";

// The table that follows the heap's head: the state of the shards except their songs. Each part begins
// with a cache line.
//
//     +---------------------+-----------------+------------------------------------------+------- - -
//     | ring (fold-ring.ts) | locks           | heads                                    | blocks
//     |                     | a cache line a  | slot 0: shard 0, 1, …, slot 1: shard 0 … | of the heap
//     |                     | shard (lock.ts) | 4 words each (packed-shard.ts)           |
//     +---------------------+-----------------+------------------------------------------+------- - -
//
// A slot holds one set: a head for each shard.

/** Lays the table of `shards` shards out. */
export function shardTable(shards: number, maxFolds: number): Layout<"ring" | "locks" | "heads" | "blocks"> {
  const parts = {
    ring: [FoldRing.wordsFor(maxFolds), LINE_WORDS],
    locks: [LINE_WORDS * shards, LINE_WORDS],
    heads: [SHARD_HEAD_WORDS * shards * slotsFor(maxFolds), LINE_WORDS],
    blocks: [0, LINE_WORDS],
  } as const;
  return layOut(parts, HEAD_WORDS);
}

/** Bytes that a shard takes without songs. */
export function bytesOfShard(maxFolds: number): number {
  return (LINE_WORDS + SHARD_HEAD_WORDS * slotsFor(maxFolds)) * 4;
}

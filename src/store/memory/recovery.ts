import type { Shards } from "./shards.ts";

// When a thread dies
//
// A worker can be terminated, or crash, between any two of its writes. The program that runs the workers then
// calls `ShardedStore.release`. Until then other threads wait for the locks that the dead thread holds.
//
// How it works: every change takes effect with the write of one word or one number. Whatever is written
// before has no effect yet, and whatever is written after can be computed again. So recovery finds each
// change done or not:
//
//   heap         The slabs are valid after each write. A block that was being handed out may be lost
//                (slabs.ts).
//   clear        `isClearing` is set before the first write and reset after the last. If it is set, clear
//                again.
//   batch        The journal (journal.ts) holds all writes of the batch. If it is set, all are made again;
//                otherwise none was made.
//   writer       The journal writes a record's numbers. The chains and the order of use are computed again
//                (writer-table.ts).
//   song         The count is written, or, for a new song, the `used` of its block (entry-blocks.ts). The
//                songs and the index of a shard are computed again from its entries (packed-shard.ts).
//   seal         `open` of the ring is written (fold-ring.ts).
//   acknowledge  `dropped` of the ring is written: the rest is made again. A set before the kept one is to be
//                freed.
//   free         The slot names the thread that frees it: the calling thread takes over (set-slots.ts).
//
// Not guaranteed: whether an addition that was under way is counted. A client finds out by sending it again
// with its key. A block in hand is lost until the next clear. The number of songs may differ by those of the
// change that was under way, until the next clear, or the next fold is acknowledged.

/**
 * Releases the locks of a dead thread, the one with owner number `owner`. Completes or undoes its changes.
 *
 * @returns the dropped sets that it was to free, with which this thread is charged now.
 */
export function recover(shards: Shards, owner: number): number[] {
  shards.heap.releaseLockOf(owner);
  const held = shards.lockedBy(owner);
  if (held.length === shards.shardCount) {
    if (shards.ring.isClearing) shards.clear();
    shards.ring.completeAcknowledgement(owner);
  }
  shards.journal.replayOf(owner);
  shards.lastRequests.release(owner);
  for (const at of held) {
    for (let slot = 0; slot < shards.ring.slotCount; slot++) shards.shardIn(slot, at).mend(shards.id);
    shards.heap.recordChange();
    shards.unlock(at);
  }
  return shards.ring.takeOver(owner);
}

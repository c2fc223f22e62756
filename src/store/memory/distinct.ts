/**
 * Returns each of `shards`, numbers below `count`, once and in ascending order: otherwise two threads could
 * deadlock.
 */
export function distinct(shards: Int32Array, count: number): ArrayLike<number> & Iterable<number> {
  if (shards.length === 1) return shards;
  if (shards.length === 0) return [0]; // an empty batch reads the ring, for which one lock is needed
  const sets = new Int32Array(count / 32);
  for (const shard of shards) sets[shard >> 5] = (sets[shard >> 5] as number) | (1 << (shard & 31));
  const found: number[] = [];
  for (let set = 0; set < sets.length; set++) {
    for (let rest = sets[set] as number; rest !== 0; rest &= rest - 1)
      found.push(set * 32 + 31 - Math.clz32(rest & -rest));
  }
  return found;
}

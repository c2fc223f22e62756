import type { Entry } from "./count-store.ts";

/**
 * The `n` entries with the highest counts, highest first, ties by id in ascending code-unit order.
 *
 * Holds at most 2 n entries at a time, and sorts them whenever they are that many.
 */
export function highest(chunks: Iterable<Iterable<Entry>>, n: number): Entry[] {
  const kept: Entry[] = [];
  let bar = 0; // what a count must reach to be worth a look
  for (const chunk of chunks) {
    for (const entry of chunk) {
      if (entry[1] < bar) continue;
      kept.push(entry);
      if (kept.length >= 2 * n) {
        keepFirst(kept, n);
        bar = kept[n - 1]?.[1] ?? 0;
      }
    }
  }
  keepFirst(kept, n);
  return kept;
}

function keepFirst(entries: Entry[], n: number): void {
  entries.sort(([idA, countA], [idB, countB]) => countB - countA || (idA < idB ? -1 : 1));
  if (entries.length > n) entries.length = n;
}

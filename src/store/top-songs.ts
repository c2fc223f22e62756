import type { Entry } from "./count-store.ts";

/**
 * Finds the `n` songs with the highest counts among those offered, highest first, ties by id in ascending
 * code-unit order.
 *
 * Keeps at most 2 n songs: whenever it has that many it sorts them and drops the lower half.
 */
export class TopSongs {
  /** The lowest count that may still belong to the top: a lower one need not be offered. */
  bar = 1;
  readonly #n: number;
  readonly #kept: Entry[] = [];

  constructor(n: number) {
    this.#n = n;
  }

  offer(entry: Entry): void {
    if (entry[1] < this.bar) return;
    this.#kept.push(entry);
    if (this.#kept.length < 2 * this.#n) return;
    this.bar = this.entries()[this.#n - 1]?.[1] ?? 1;
  }

  /** The top of the songs offered so far. */
  entries(): Entry[] {
    const kept = this.#kept;
    kept.sort(([idA, countA], [idB, countB]) => countB - countA || (idA < idB ? -1 : 1));
    if (kept.length > this.#n) kept.length = this.#n;
    return kept;
  }
}

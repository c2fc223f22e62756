import type { Entry } from "./count-store.ts";

/**
 * Finds the `n` entries with the highest counts, highest first, ties by id in ascending code-unit order.
 *
 * Holds at most 2 n entries at a time, and sorts them whenever they are that many.
 */
export class Highest {
  /** What a count must reach to be worth offering. */
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

  /** Those found until now. */
  entries(): Entry[] {
    const kept = this.#kept;
    kept.sort(([idA, countA], [idB, countB]) => countB - countA || (idA < idB ? -1 : 1));
    if (kept.length > this.#n) kept.length = this.#n;
    return kept;
  }
}

/** Finds the `n` highest of `chunks`, all in one go. */
export function highest(chunks: Iterable<Iterable<Entry>>, n: number): Entry[] {
  const found = new Highest(n);
  for (const chunk of chunks) for (const entry of chunk) found.offer(entry);
  return found.entries();
}

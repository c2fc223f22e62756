import process from "node:process";

/** What all generated cases of this run come from: `PLAYCOUNT_SEED=… bun test` repeats them. */
export const SEED: number = readSeed(process.env["PLAYCOUNT_SEED"]);

console.log(`PLAYCOUNT_SEED=${SEED}`);

function readSeed(written: string | undefined): number {
  if (written === undefined || written === "") return Math.floor(Math.random() * 2 ** 32);
  const seed = Number(written);
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) return seed;
  throw new RangeError(`PLAYCOUNT_SEED must be a whole number from 0 to 2^32 - 1, not ${written}`);
}

/** Numbers that look random and follow from the seed and from what they are for (mulberry32). */
export class Random {
  #state: number;

  /** Each purpose has numbers of its own, so that a test that runs alone repeats as well. */
  constructor(purpose: string, seed: number = SEED) {
    this.#state = seed;
    for (const character of purpose) this.#state = Math.imul(this.#state ^ character.charCodeAt(0), 16777619);
  }

  /** From 0 to just below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to `n` - 1. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** True in `share` of all cases. */
  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  /** Up to `most` of `parts`, one after the other. */
  text(parts: readonly string[], most: number): string {
    return Array.from({ length: this.below(most + 1) }, () => this.pick(parts)).join("");
  }
}

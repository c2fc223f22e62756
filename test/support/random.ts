import process from "node:process";

/** The seed of all generated cases of this run. `SEED=… bun test` repeats them. */
export const SEED: number = readSeed(process.env["SEED"]);

console.log(`SEED=${SEED}`);

function readSeed(text: string | undefined): number {
  if (text === undefined || text === "") return Math.floor(Math.random() * 2 ** 32);
  const seed = Number(text);
  if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) return seed;
  throw new RangeError(`SEED must be a whole number from 0 to 2^32 - 1, not ${text}`);
}

/** A pseudo-random number generator (mulberry32), seeded with the run's seed and a purpose. */
export class Random {
  #state: number;

  /** Each purpose has its own sequence, so that a test that runs alone gets the same numbers. */
  constructor(purpose: string, seed: number = SEED) {
    this.#state = seed;
    for (const character of purpose) this.#state = Math.imul(this.#state ^ character.charCodeAt(0), 16777619);
  }

  /** Returns a number from 0 to just below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  }

  /** Returns a whole number from 0 to `n` - 1. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** Returns true with the probability `share`. */
  chance(share: number): boolean {
    return this.next() < share;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)] as T;
  }

  /** Concatenates up to `max` random `parts`. */
  text(parts: readonly string[], max: number): string {
    return Array.from({ length: this.below(max + 1) }, () => this.pick(parts)).join("");
  }
}

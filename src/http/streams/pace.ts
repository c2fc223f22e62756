import { yieldTurn } from "../../async/turns.ts";

const SLICE_MS = 0.5;

/** Most work of a slice. On workerd no time passes while a program runs. */
const SLICE_WORK = 4000;

/** Divides long work into slices of half a millisecond. Other requests have their turn in between. */
export class Pace {
  #startedAt: number = performance.now();
  #work = 0;

  /** Adds work that was done: 1 is the read of a song. Returns what to await if the slice is full. */
  pauseAfter(work: number): Promise<void> | undefined {
    this.#work += work;
    if (this.#work < SLICE_WORK && performance.now() - this.#startedAt < SLICE_MS) return undefined;
    return this.#pause();
  }

  async #pause(): Promise<void> {
    await yieldTurn();
    this.#work = 0;
    this.#startedAt = performance.now();
  }
}

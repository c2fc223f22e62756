/** The largest number of serving threads, and the main thread. */
const MOST_THREADS = 65;

/** Counts the plays that all threads of a program have added. Each thread writes a cell of its own. */
export class PlayCounter {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Float64Array;
  readonly #own: number;

  /** `own` is the number of this thread, from 0 to 64. */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(8 * MOST_THREADS), own: number = 0) {
    this.buffer = buffer;
    this.#cells = new Float64Array(buffer);
    this.#own = own;
  }

  add(plays: number): void {
    this.#cells[this.#own] = (this.#cells[this.#own] as number) + plays;
  }

  /** Sum of all cells. Those of other threads may lag behind by a moment. */
  get total(): number {
    return this.#cells.reduce((sum, plays) => sum + plays, 0);
  }
}

/** Most threads that serve, and one more. */
const MOST_THREADS = 65;

/** How many plays all threads of a program have added: each counts its own. */
export class PlayCounter {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Float64Array;
  readonly #own: number;

  /** `own` is the number of this thread, below 65. */
  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(8 * MOST_THREADS), own: number = 0) {
    this.buffer = buffer;
    this.#cells = new Float64Array(buffer);
    this.#own = own;
  }

  add(plays: number): void {
    this.#cells[this.#own] = (this.#cells[this.#own] as number) + plays;
  }

  /** Another thread's may be of a moment ago. */
  get total(): number {
    return this.#cells.reduce((sum, plays) => sum + plays, 0);
  }
}

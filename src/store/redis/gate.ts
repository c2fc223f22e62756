/** Lets so much go on at a time; the rest waits in the order in which it came. */
export class Semaphore {
  readonly #most: number;
  #under = 0;
  readonly #queue: { weight: number; open: () => void }[] = [];

  /** `most` is the weight of what may go on; one thing by itself may weigh more. */
  constructor(most: number) {
    this.#most = most;
  }

  async pass<T>(weight: number, act: () => Promise<T>): Promise<T> {
    if (this.#queue.length > 0 || !this.#fits(weight)) {
      await new Promise<void>((open) => this.#queue.push({ weight, open }));
    } else this.#under += weight;
    try {
      return await act();
    } finally {
      this.#under -= weight;
      this.#letIn();
    }
  }

  #fits(weight: number): boolean {
    return this.#under === 0 || this.#under + weight <= this.#most;
  }

  #letIn(): void {
    for (let next = this.#queue[0]; next !== undefined && this.#fits(next.weight); next = this.#queue[0]) {
      this.#queue.shift();
      this.#under += next.weight;
      next.open();
    }
  }
}

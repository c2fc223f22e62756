/** Calls `act` for each index below `count`, with at most `width` calls in progress. */
export async function eachOf(
  count: number,
  width: number,
  act: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const runNext = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, runNext));
}

/** Limits the total weight of the tasks in progress. Further tasks wait in the order of their calls. */
export class Semaphore {
  readonly #capacity: number;
  #inUse = 0;
  readonly #queue: { weight: number; start: () => void }[] = [];

  /** A task that weighs more than `capacity` runs alone. */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** Runs `task` as soon as the limit allows `weight`, and returns its result. */
  async run<T>(weight: number, task: () => Promise<T>): Promise<T> {
    if (this.#queue.length > 0 || !this.#fits(weight)) {
      await new Promise<void>((start) => this.#queue.push({ weight, start }));
    } else this.#inUse += weight;
    try {
      return await task();
    } finally {
      this.#inUse -= weight;
      this.#startNext();
    }
  }

  #fits(weight: number): boolean {
    return this.#inUse === 0 || this.#inUse + weight <= this.#capacity;
  }

  #startNext(): void {
    for (let next = this.#queue[0]; next !== undefined && this.#fits(next.weight); next = this.#queue[0]) {
      this.#queue.shift();
      this.#inUse += next.weight;
      next.start();
    }
  }
}

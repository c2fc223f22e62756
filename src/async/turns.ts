import type { Awaitable } from "./awaitable.ts";

/** Lets everything that waits for the event loop run first. */
export function yieldTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Resolves as soon as this turn of the event loop has ended. A timer would wait for a millisecond. */
export function nextTurn(): Promise<void> {
  if (typeof MessageChannel === "undefined") return yieldTurn(); // on workerd it is optional
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close(); // an open port keeps the process alive
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/** Runs a task that yields between its slices to its end, without a pause. */
export function runAtOnce<T>(task: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = task.next();
    if (done) return value;
  }
}

/**
 * Runs a long task that yields between its slices, so that it does not block the event loop: lets other work
 * run at each yield. Returns synchronously if it yields nothing.
 */
export function runInTurns<T>(task: Generator<undefined, T>): Awaitable<T> {
  const { done, value } = task.next();
  return done ? value : runRemainingTurns(task);
}

async function runRemainingTurns<T>(task: Generator<undefined, T>): Promise<T> {
  for (;;) {
    await yieldTurn();
    const { done, value } = task.next();
    if (done) return value;
  }
}

/** Divides the work of a task into slices of a size, in any unit. */
export class WorkSlice {
  readonly #size: number;
  #done = 0;

  constructor(size: number) {
    this.#size = size;
  }

  /** Adds work that was done. Returns true if it fills the slice; the next slice begins then. */
  isFull(work: number): boolean {
    this.#done += work;
    if (this.#done < this.#size) return false;
    this.#done = 0;
    return true;
  }
}

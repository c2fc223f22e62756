/** A value that is there now, or a promise of it: which of the two is the producer's choice. */
export type Awaitable<T> = T | Promise<T>;

/**
 * Continues with `value` as soon as it is there: in the same turn when it already is, so that nothing
 * waits for the event loop that need not.
 */
export function whenReady<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Whether `closed` came within `seconds`. Leaves no timer behind. */
export async function settlesWithin(closed: Promise<unknown>, seconds: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(0, seconds * 1000));
  });
  try {
    return await Promise.race([closed.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Lets everything else have its turn that waits for the event loop. */
export function yieldTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** Resolves as soon as this turn of the event loop has ended: a timer would wait for a millisecond. */
export function nextTurn(): Promise<void> {
  if (typeof MessageChannel === "undefined") return yieldTurn(); // workerd has it only if it is asked for
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close(); // or else it would keep the process alive
      resolve();
    };
    port2.postMessage(undefined);
  });
}

/**
 * Does work that would hold up the event loop step by step: `step` is called until it gives a value, and between two
 * calls everything else has its turn. The value is given at once if the first step has it.
 */
export function runInSlices<T>(step: () => T | undefined): Awaitable<T> {
  const value = step();
  return value === undefined ? goOn(step) : value;
}

async function goOn<T>(step: () => T | undefined): Promise<T> {
  for (;;) {
    await yieldTurn();
    const value = step();
    if (value !== undefined) return value;
  }
}

/** Calls `act` for each number below `count`, for at most `width` of them at a time. */
export async function eachOf(
  count: number,
  width: number,
  act: (number: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const goOn = async () => {
    while (next < count) await act(next++);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, goOn));
}

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

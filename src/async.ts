/** A value, or a promise of it; the producer decides which. */
export type Awaitable<T> = T | Promise<T>;

/**
 * Continues with `value` when it is available: synchronously if it already is, so that nothing waits for the
 * event loop without need.
 */
export function whenReady<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Resolves to true if `promise` resolves within `seconds`, otherwise to false. Clears its timer. */
export async function resolvesWithin(promise: Promise<unknown>, seconds: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), Math.max(0, seconds * 1000));
  });
  try {
    return await Promise.race([promise.then(() => true), timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** The functions to call when a signal is aborted. */
const onAborts = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `act` when `signal` is aborted, unless the returned function is called before. A signal gets one
 * listener, however many calls share it: Node 20 warns of more than ten.
 */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  const acts = onAborts.get(signal) ?? new Set();
  if (!onAborts.has(signal)) {
    onAborts.set(signal, acts);
    signal.addEventListener("abort", () => acts.forEach((each) => each()), { once: true });
  }
  acts.add(act);
  return () => void acts.delete(act);
}

/** Awaits `promise`, but rejects with the reason of `signal` as soon as the signal is aborted. */
export async function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  let dispose = () => {};
  const aborted = new Promise<never>((_, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    dispose = onAbort(signal, abort);
  });
  try {
    return await Promise.race([aborted, promise]);
  } finally {
    dispose();
  }
}

/** Waits `ms` milliseconds. Rejects with the reason of `signal` as soon as the signal is aborted. */
export async function delay(ms: number, signal?: AbortSignal): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const elapsed = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  try {
    await abortable(elapsed, signal);
  } finally {
    clearTimeout(timer);
  }
}

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

/**
 * Runs a long task in slices, so that it does not block the event loop: calls `step` until it returns a
 * value, and lets other work run between two calls. Returns synchronously if the first step returns the
 * value.
 */
export function runInSlices<T>(step: () => T | undefined): Awaitable<T> {
  const value = step();
  return value === undefined ? runRemainingSlices(step) : value;
}

async function runRemainingSlices<T>(step: () => T | undefined): Promise<T> {
  for (;;) {
    await yieldTurn();
    const value = step();
    if (value !== undefined) return value;
  }
}

/** Runs a task that yields between its slices to its end, without a pause. */
export function runAtOnce<T>(task: Generator<undefined, T>): T {
  for (;;) {
    const { done, value } = task.next();
    if (done) return value;
  }
}

/**
 * Runs a task that yields between its slices, and lets other work run at each yield. Returns synchronously if
 * it yields nothing.
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

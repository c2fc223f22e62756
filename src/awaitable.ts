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

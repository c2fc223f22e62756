/** A value, or a promise of it; the producer decides which. */
export type Awaitable<T> = T | Promise<T>;

/**
 * Continues with `value` when it is available: synchronously if it already is, so that nothing waits for the
 * event loop without need.
 */
export function whenReady<T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** Milliseconds since 1970: the clock that all threads and processes share, and fine as well. */
export function sharedNow(): number {
  return performance.timeOrigin + performance.now();
}

/**
 * Milliseconds since 1970, with the resolution of `performance.now()`: threads and processes can compare it.
 */
export function sharedNow(): number {
  return performance.timeOrigin + performance.now();
}

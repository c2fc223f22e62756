/** The time limit for conditions that must come true. */
const MOST_MS = 120_000;

/**
 * Waits until `condition` returns a value, and ignores its errors. @throws {Error} naming `what` past the
 * limit.
 */
export async function until<T>(
  what: string,
  condition: () => T | Promise<T>,
): Promise<NonNullable<Exclude<T, false>>> {
  const end = performance.now() + MOST_MS;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const value = await condition();
      if (value !== undefined && value !== null && value !== false)
        return value as NonNullable<Exclude<T, false>>;
    } catch (error) {
      last = error;
    }
    await Bun.sleep(20);
  }
  throw new Error(`Waited too long for: ${what}${last === undefined ? "" : ` (${String(last)})`}`);
}

/** Awaits `act` up to the time limit. @throws {Error} naming `what` past the limit. */
export async function inTime<T>(what: string, act: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const tooLate = setTimeout(() => reject(new Error(`Waited too long for: ${what}`)), MOST_MS);
  try {
    return await Promise.race([act, promise]);
  } finally {
    clearTimeout(tooLate);
  }
}

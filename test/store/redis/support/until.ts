/** So long something is waited for that has to come: a test that waits in vain says for what. */
const MOST_MS = 25_000;

/** Waits until `condition` holds, which may fail meanwhile; gives what it gave. @throws {Error} that says `what` did not come. */
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
  throw new Error(`Waited in vain: ${what}${last === undefined ? "" : ` (${String(last)})`}`);
}

/** Gives what comes of something, if it comes in time. @throws {Error} that says `what` did not come. */
export async function inTime<T>(what: string, act: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const tooLate = setTimeout(() => reject(new Error(`Waited in vain: ${what}`)), MOST_MS);
  try {
    return await Promise.race([act, promise]);
  } finally {
    clearTimeout(tooLate);
  }
}

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

import { CountServerError } from "./count-server-error.ts";

/** How long to wait before the first time that something is tried again; each time twice as long. */
const FIRST_WAIT_MS = 100;

/** Longest time to wait, whatever a server asks for. */
const LONGEST_WAIT_MS = 10_000;

/** Statuses of a server that may do better later (RFC 9110 §15.6), or is asked too much of (RFC 6585 §4). */
const PASSING = [429, 500, 502, 503, 504];

/** Does something that may be done twice, up to `retries` times more while a server fails in a way that may pass. */
export async function withRetries<T>(
  retries: number,
  signal: AbortSignal | undefined,
  act: () => Promise<T>,
): Promise<T> {
  let mayBeDone = false;
  for (let retry = 0; ; retry++) {
    try {
      return await act();
    } catch (error) {
      if (!(error instanceof CountServerError)) throw error;
      error.mayBeDone ||= mayBeDone;
      mayBeDone = error.mayBeDone;
      if (retry === retries || !mayPass(error)) throw error;
      await wait(waitMs(retry, error.retryAfter), signal);
    }
  }
}

function mayPass({ status }: CountServerError): boolean {
  return status === undefined || PASSING.includes(status);
}

/** At random between half and all of it, so that clients that failed together do not come back together. */
function waitMs(retry: number, retryAfter: number | undefined): number {
  const backoff = FIRST_WAIT_MS * 2 ** retry * (0.5 + Math.random() / 2);
  return Math.min(LONGEST_WAIT_MS, Math.max(backoff, (retryAfter ?? 0) * 1000));
}

/** Rejects with the reason of `signal` as soon as that is aborted. */
async function wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const giveUp = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", giveUp);
      resolve();
    }, ms);
    signal?.addEventListener("abort", giveUp, { once: true });
  });
}

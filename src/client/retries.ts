import { delay } from "../async/timing.ts";
import { CountServerError } from "./count-server-error.ts";

/** Wait before the first retry. Each further wait is twice as long. */
const FIRST_WAIT_MS = 100;

/** Longest wait, even if a server asks for more. */
const MAX_WAIT_MS = 10_000;

/** Statuses of a time-out (RFC 9110 §15.5.9) and of an overload (RFC 6585 §4). */
const TEMPORARY = [408, 429];

/** Statuses of a server that will not do better later (RFC 9110 §15.6.2, RFC 4918 §11.5). */
const LASTING = [501, 507];

/**
 * Calls `act`, and again up to `retries` times while it fails temporarily. `act` must be idempotent.
 *
 * @throws {CountServerError} of the last attempt, with `mayBeDone` if any attempt may have been carried out.
 */
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
      if (retry === retries || !isTemporary(error)) throw error;
      await delay(waitMs(retry, error.retryAfterSeconds), signal);
    }
  }
}

/** Returns true for a failure that a later attempt may not have. */
export function isTemporary({ status }: CountServerError): boolean {
  if (status === undefined || TEMPORARY.includes(status)) return true;
  return status >= 500 && !LASTING.includes(status); // proxies have statuses of their own, such as 524
}

/** Exponential back-off with jitter, so that clients that failed together do not all return together. */
function waitMs(retry: number, retryAfter: number | undefined): number {
  const backoff = FIRST_WAIT_MS * 2 ** retry * (0.5 + Math.random() / 2);
  return Math.min(MAX_WAIT_MS, Math.max(backoff, (retryAfter ?? 0) * 1000));
}

import { Refusal, UnknownOutcome } from "../refusal.ts";
import { Broken, Lost, NotDone } from "./cluster/failures.ts";

/** What a failure means to who wanted to change something. What exactly it was is said to the operator alone. */
export function failedChange(error: unknown): unknown {
  say(error);
  if (error instanceof Lost || error instanceof Broken) return new UnknownOutcome();
  return error instanceof NotDone ? unreachable() : error;
}

/** What a failure means to who wanted to know something. */
export function failedReading(error: unknown): unknown {
  say(error);
  return error instanceof Lost || error instanceof NotDone || error instanceof Broken ? unreachable() : error;
}

export function unreachable(): Refusal {
  return Refusal.unavailable("The store of the counts does not answer");
}

/** Gives what `act` gives; what it fails with is made into what `meaning` says. */
export async function meaning<T>(act: Promise<T>, meant: (error: unknown) => unknown): Promise<T> {
  try {
    return await act;
  } catch (error) {
    throw meant(error);
  }
}

/** Milliseconds for which nothing is said again. */
const QUIET = 1000;
let saidAt = -QUIET;

/** What should not happen is for the operator to know, but not with each request. */
function say(error: unknown): void {
  if (!(error instanceof Broken) || performance.now() - saidAt < QUIET) return;
  saidAt = performance.now();
  console.error(`playcount: ${error.message}`);
}

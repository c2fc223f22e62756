import { Refusal, UnknownOutcome } from "../store/refusal.ts";
import { Broken, Lost, NotDone } from "./cluster/failures.ts";

/** What a failure means to who wanted to change something. What exactly it was is said to the operator alone. */
export function failedChange(error: unknown): unknown {
  if (error instanceof Broken) console.error(`playcount: ${error.message}`);
  if (error instanceof Lost || error instanceof Broken) return new UnknownOutcome();
  return error instanceof NotDone ? unreachable() : error;
}

/** What a failure means to who wanted to know something. */
export function failedReading(error: unknown): unknown {
  if (error instanceof Broken) console.error(`playcount: ${error.message}`);
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

import { Refusal, UnknownOutcome } from "../refusal.ts";
import { Broken, Lost, NotDone } from "./cluster/failures.ts";
import type { AddProblem, Song } from "./scripts/add.ts";

/** Maps the failure of a change to the error of a store. The details go to the operator only. */
export function failedChange(error: unknown): unknown {
  logBroken(error);
  if (error instanceof Lost || error instanceof Broken) return new UnknownOutcome();
  return error instanceof NotDone ? unreachable() : error;
}

/** Maps the failure of a read to the error of a store. */
export function failedReading(error: unknown): unknown {
  const meant = failedChange(error);
  return meant instanceof UnknownOutcome ? unreachable() : meant;
}

export function unreachable(): Refusal {
  return Refusal.unavailable("The store of the counts does not answer");
}

/** Returns the error of a problem for the client. `maxSongs` is the limit of all shards together. */
export function errorOf(
  { kind, at, detail, kept }: AddProblem,
  songs: readonly Song[],
  maxSongs: number,
): Error {
  if (kind === "overflow") return Refusal.overflow(Number(detail), (songs[at] as Song).plays, kept);
  if (kind === "full") return Refusal.full(maxSongs);
  if (kind === "dropped") return Refusal.dropped(Number(detail));
  return kind === "forgotten" ? new UnknownOutcome() : unreachable();
}

/** Awaits `act`, and maps its error with `meant`. */
export function mapFailure<T>(act: Promise<T>, meant: (error: unknown) => unknown): Promise<T> {
  return act.catch((error) => {
    throw meant(error);
  });
}

/** Milliseconds between two log lines. */
const QUIET_MS = 1000;
let loggedAt = -QUIET_MS;

/** Logs a script that failed half-way, at most once a second. */
function logBroken(error: unknown): void {
  if (!(error instanceof Broken) || performance.now() - loggedAt < QUIET_MS) return;
  loggedAt = performance.now();
  console.error(`playcount: ${error.message}`);
}

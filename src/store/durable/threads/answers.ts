import { Refusal, UnknownOutcome } from "../../refusal.ts";
import type { WriteReply, Refused } from "./messages.ts";
import type { Ailment } from "./signals.ts";

/** What is said to a client when nothing is written any more. */
export const FAILED = "The storage has failed";

/** What is said to a client of how the storage is. */
export function messageOf(ailment: Ailment): string | undefined {
  return ailment === "full" ? "The disk is full" : ailment === "failed" ? FAILED : undefined;
}

/** What is thrown for an answer that is not what was asked for. */
export function errorOf(answer: WriteReply | Refused): Error {
  if ("reason" in answer) return new Refusal(answer.reason, answer.message, answer.members);
  if (answer.did !== "fail" || answer.isUnknown) return new UnknownOutcome();
  return Refusal.unavailable(messageOf(answer.ailment) ?? FAILED);
}

import { Refusal, UnknownOutcome } from "../../refusal.ts";
import type { RefusedWrite, WriteFailure, WriteReply } from "./messages.ts";
import type { StorageFailure } from "./signals.ts";

/** Describes the state of the storage for a client; `undefined` while it works. */
export function describeStorageFailure(failure: StorageFailure): string | undefined {
  return failure && { full: "The disk is full", failed: "The storage has failed" }[failure];
}

/** Returns the error for a caller whose commit has failed. */
export function errorOfFailure(failure: WriteFailure): Error {
  if (failure === "unknown") return new UnknownOutcome();
  return Refusal.unavailable(describeStorageFailure(failure) as string);
}

/** Returns the error for a caller whose addition was refused. */
export function errorOfRefusal({ reason, message, members }: RefusedWrite): Refusal {
  return new Refusal(reason, message, members);
}

/** Returns the error for a reply that reports one. */
export function errorOfReply(reply: WriteReply): Error {
  if (reply.did === "refuse") return errorOfRefusal(reply.refusal);
  return errorOfFailure(reply.did === "fail" ? reply.failure : "unknown");
}

/** Returns the result of `act`, or the reply to a command that it refuses. */
export function orRefused<T>(act: () => T): T | WriteReply {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { reason, message, members } = error;
    return { did: "refuse", refusal: { reason, message, members } };
  }
}

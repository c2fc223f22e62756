import { Refusal, UnknownOutcome } from "../../refusal.ts";
import type { RefusedWrite, WriteReply } from "./messages.ts";
import type { StorageFailure } from "./signals.ts";

/** Tells a client that nothing can be written until a restart. */
export const STORAGE_FAILED = "The storage has failed";

/** Describes the state of the storage for a client; `undefined` while it works. */
export function describeStorageFailure(failure: StorageFailure): string | undefined {
  return failure === "full" ? "The disk is full" : failure === "failed" ? STORAGE_FAILED : undefined;
}

/** Returns the error to throw for a reply that reports one. */
export function errorOfReply(reply: WriteReply | RefusedWrite): Error {
  if ("reason" in reply) return new Refusal(reply.reason, reply.message, reply.members);
  if (reply.did !== "fail" || reply.isUnknown) return new UnknownOutcome();
  return Refusal.unavailable(describeStorageFailure(reply.storageFailure) ?? STORAGE_FAILED);
}

import type { BatchAddition } from "../../count-store.ts";
import type { PackedBatch } from "../../memory/batch-columns.ts";
import type { KeyedRequest } from "../../memory/batch-write.ts";
import type { Refusal } from "../../refusal.ts";

/** Adds several songs, or one that has no place in the ring. */
export interface AddCommand {
  do: "add";
  batch: PackedBatch;
  keyed: KeyedRequest | undefined;
}

/** A message to the commit thread. Each has one reply, and replies come in the order of the commands. */
export type WriteCommand =
  | AddCommand
  | { do: "seal"; fold: number }
  | { do: "acknowledge"; fold: number }
  /** With a `version`: only while the store has it. */
  | { do: "clear"; version?: string }
  /** Makes everything durable, then ends the thread. */
  | { do: "stop" };

/** A {@linkcode Refusal} between threads, where an error loses its own fields. */
export type RefusedWrite = Pick<Refusal, "reason" | "message" | "members">;

/**
 * The failure of a commit. After `full`, a full disk, and `failed`, an earlier failure of the storage,
 * nothing was done; after `unknown` it may have been.
 */
export type WriteFailure = "full" | "failed" | "unknown";

export type WriteReply =
  | { did: "add"; addition: BatchAddition }
  | { did: "control"; value: boolean }
  | { did: "refuse"; refusal: RefusedWrite }
  | { did: "fail"; failure: WriteFailure };

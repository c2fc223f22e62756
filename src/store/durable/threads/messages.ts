import type { Refusal } from "../../refusal.ts";
import type { RequestKey } from "../../request-key.ts";
import type { StorageFailure } from "./signals.ts";

/** Songs after which a message, and a commit, accepts no further request: it should take milliseconds. */
export const MAX_COMMIT_SONGS = 20_000;

/** An addition that has a key, has several songs, or found no place in the ring. */
export interface AddRequest {
  kind: "song" | "batch";
  plays: readonly (readonly [id: string, plays: number])[];
  key: RequestKey | undefined;
}

/** A message to the commit thread. Each has one reply, and replies come in the order of the commands. */
export type WriteCommand =
  | { do: "add"; requests: readonly AddRequest[] }
  | { do: "seal"; fold: number }
  | { do: "acknowledge"; fold: number }
  /** With a `version`: only while the store has it. */
  | { do: "clear"; version?: string }
  /** Makes everything durable, then ends the thread. */
  | { do: "stop" };

/** A {@linkcode Refusal} as a message. */
export type RefusedWrite = Pick<Refusal, "reason" | "message" | "members">;

/** A commit that failed: nothing was done, or `isUnknown`. */
export interface WriteFailure {
  did: "fail";
  isUnknown: boolean;
  storageFailure: StorageFailure;
}

/** The outcome of one request of an `add`. */
export type AddResult = { counts: readonly number[]; fold: number } | RefusedWrite | WriteFailure;

export type WriteReply =
  | { did: "add"; results: readonly AddResult[] }
  | { did: "control"; value: boolean }
  | ({ did: "refuse" } & RefusedWrite)
  | WriteFailure;

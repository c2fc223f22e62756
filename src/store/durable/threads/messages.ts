import type { Refusal } from "../../refusal.ts";
import type { Ailment } from "./signals.ts";
import type { RequestKey } from "../../request-key.ts";

/** Songs of one message and of one commit, more or less: it is to be a matter of milliseconds. */
export const MOST_SONGS = 20_000;

/** A request to add that has a key, or several songs, or for which there was no place in the ring. */
export interface Addend {
  kind: "song" | "batch";
  plays: readonly (readonly [id: string, plays: number])[];
  key: RequestKey | undefined;
}

/** What a thread asks of the one that writes. Each message has one answer, and the answers come in the same order. */
export type WriteCommand =
  | { do: "add"; addends: readonly Addend[] }
  | { do: "seal"; fold: number }
  | { do: "acknowledge"; fold: number }
  /** Only if the store's version is still this one, if one is named. */
  | { do: "clear"; version?: string }
  /** Writes all that there is to write, and ends. */
  | { do: "stop" };

/** Why one of several was not done. */
export type Refused = Pick<Refusal, "reason" | "message" | "members">;

/** Why nothing was done, or it is not known whether it was. */
export interface Failed {
  did: "fail";
  isUnknown: boolean;
  ailment: Ailment;
}

/** What was added to one addend. */
export type Added = { counts: readonly number[]; fold: number } | Refused | Failed;

/** The answer to a message. */
export type WriteReply =
  | { did: "add"; added: readonly Added[] }
  | { did: "control"; value: boolean }
  | ({ did: "refuse" } & Refused)
  | Failed;

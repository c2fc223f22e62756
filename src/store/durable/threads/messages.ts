import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { BatchAddition } from "../../count-store.ts";
import type { PackedBatch } from "../../packed-batch.ts";
import type { KeyedRequest } from "../../request-key.ts";
import type { Refusal } from "../../refusal.ts";

/** Adds several songs, or one that has no place in the ring. All or none of them are added. */
export interface AddCommand {
  do: "add";
  batch: PackedBatch;
  keyed: KeyedRequest | undefined;
}

/**
 * A message to the commit thread. Each has one reply, and replies come in the order of the commands. A
 * {@linkcode Question} may come before.
 */
export type WriteCommand =
  | AddCommand
  /** Seals the open fold with the number `fold`. */
  | { do: "seal"; fold: number; label: string }
  /** Acknowledges the oldest sealed fold. With a `label`: only if the fold has it. */
  | { do: "acknowledge"; fold: number; label: string | undefined }
  /** Clears all counts. If `isConditional`, asks first. */
  | { do: "clear"; isConditional: boolean }
  /** Completes the earlier commands, closes the files, and ends the thread. */
  | { do: "stop" };

/** A {@linkcode Refusal} between threads, where an error loses its own fields. */
export type RefusedWrite = Pick<Refusal, "reason" | "message" | "members">;

/**
 * The failure of a commit. After `full`, a full disk, and `failed`, an earlier failure of the storage,
 * nothing was done; after `unknown` it may have been.
 */
export type WriteFailure = "full" | "failed" | "unknown";

/**
 * Asks whether to clear a store of the present version. The commit thread waits for the answer, which is sent
 * by {@linkcode Signals.answer}: the version changes with every commit.
 */
export interface Question {
  did: "ask";
  question: number;
  version: string;
}

/** The reply to a {@linkcode WriteCommand}. */
export type WriteReply =
  /** The new counts of an `add`, which is durable. */
  | { did: "add"; addition: BatchAddition }
  /** True if a `seal`, `acknowledge` or `clear` was done; after `stop`, true if the file has everything. */
  | { did: "control"; value: boolean }
  /** The command was refused, and changed nothing. */
  | { did: "refuse"; refusal: RefusedWrite }
  /** The commit has failed. */
  | { did: "fail"; failure: WriteFailure };

/** A command that waits for a commit. */
export interface QueuedCommand {
  command: WriteCommand;
  reply: (reply: WriteReply | Question) => void;
}

/** Takes the messages that wait at a port. */
export function* received<T>(port: MessagePort): Generator<T> {
  for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port))
    yield got.message as T;
}

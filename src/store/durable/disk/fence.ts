import { writeSync } from "node:fs";
import type { WriteFailure } from "../threads/messages.ts";
import type { Signals } from "../threads/signals.ts";
import { errorMessage } from "../../../error-message.ts";

/** SQLite's result code for a full disk (https://sqlite.org/rescode.html). */
const FULL = 13;

/**
 * Guards the disk, and keeps the state of the storage in the signals. A write that finds the disk full
 * changes nothing, and can be retried. After any other failure all writes are refused until a restart;
 * README.md says why.
 */
export class Fence {
  readonly #signals: Signals;

  constructor(signals: Signals) {
    this.#signals = signals;
  }

  /**
   * Calls `write`, unless the storage has failed. Returns the failure, if it fails. A disk that was full is
   * still full if `write` succeeds: a larger write may fail.
   */
  attempt(write: () => void): WriteFailure | undefined {
    if (this.#signals.storageFailure === "failed") return "failed";
    try {
      write();
      return undefined;
    } catch (error) {
      const storageFailure = isFull(error) ? "full" : "failed";
      if (storageFailure === "failed") {
        logLine(`the storage has failed. All writes are refused until a restart: ${errorMessage(error)}`);
      } else if (this.#signals.storageFailure === undefined) {
        logLine("the disk is full. Writes are refused until it has free space");
      }
      this.#signals.storageFailure = storageFailure;
      return storageFailure === "failed" ? "unknown" : "full";
    }
  }

  /** As {@linkcode attempt}, with a `write` that succeeds only if the disk has enough space again. */
  attemptToReopen(write: () => void): void {
    if (this.attempt(write) === undefined) this.#signals.storageFailure = undefined;
  }
}

/** Returns true for the error of a full disk. */
export function isFull(error: unknown): boolean {
  return (((error as { errcode?: number }).errcode ?? 0) & 0xff) === FULL;
}

/** Writes a line for the operator. A console prints nothing while its thread sleeps. */
function logLine(message: string): void {
  try {
    writeSync(2, `playcount: ${message}\n`);
  } catch {
    // stderr is closed.
  }
}

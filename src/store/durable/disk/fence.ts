import { writeSync } from "node:fs";
import type { Failed } from "../threads/messages.ts";
import type { Signals } from "../threads/signals.ts";
import { errorMessage } from "../../../error-message.ts";

/** SQLite's result code for a full disk (https://sqlite.org/rescode.html). */
const FULL = 13;

/**
 * Stands in front of the disk. When that is full nothing is done, and it can be tried again; after any other failure
 * nobody knows what it has, not even the system, which forgets what it could not write: nothing is written any more.
 */
export class Fence {
  readonly #signals: Signals;

  constructor(signals: Signals) {
    this.#signals = signals;
  }

  /** Does something with the file. Gives why it failed, if it did. */
  attempt(write: () => void): Failed | undefined {
    if (this.#signals.ailment === "failed") return { did: "fail", isUnknown: false, ailment: "failed" };
    try {
      write();
      this.#signals.ailment = undefined;
      return undefined;
    } catch (error) {
      const ailment = isFull(error) ? "full" : "failed";
      if (ailment === "failed")
        say(`the storage has failed, and nothing is written any more: ${errorMessage(error)}`);
      else if (this.#signals.ailment === undefined) say("the disk is full, and nothing is counted meanwhile");
      this.#signals.ailment = ailment;
      return { did: "fail", isUnknown: ailment === "failed", ailment };
    }
  }
}

/** Whether something failed because the disk is full. */
export function isFull(error: unknown): boolean {
  return (((error as { errcode?: number }).errcode ?? 0) & 0xff) === FULL;
}

/** For the operator. The console of a thread that sleeps may say nothing. */
function say(message: string): void {
  try {
    writeSync(2, `playcount: ${message}\n`);
  } catch {
    // Nobody reads what the program says.
  }
}

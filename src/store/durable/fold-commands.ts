import type { CommitStore } from "../memory/commit-store.ts";
import type { Database } from "./disk/database.ts";
import type { QueuedCommand, WriteFailure, WriteReply } from "./threads/messages.ts";
import { orRefused } from "./threads/reply-errors.ts";
import type { Signals } from "./threads/signals.ts";

/** Time for an answer of a serving thread, which may have died. */
const ANSWER_MS = 500;

const MAX_QUESTION = 2 ** 30 - 1;

/** Seals, acknowledges and clears: each command is durable before it is done in memory. */
export class FoldCommands {
  readonly #database: Database;
  readonly #store: CommitStore;
  #questions = 0;
  readonly #signals: Signals;
  readonly #makeDurable: (write: () => void) => WriteFailure | undefined;

  /** `makeDurable` calls a function that writes, and returns the failure, if it fails. */
  constructor(
    database: Database,
    store: CommitStore,
    signals: Signals,
    makeDurable: (write: () => void) => WriteFailure | undefined,
  ) {
    this.#database = database;
    this.#store = store;
    this.#signals = signals;
    this.#makeDurable = makeDurable;
  }

  /** Does a command, and returns its reply. */
  run(queued: QueuedCommand): WriteReply {
    return orRefused(() => {
      const done = this.#change(queued);
      return typeof done === "boolean" ? { did: "control", value: done } : { did: "fail", failure: done };
    });
  }

  #change({ command, reply }: QueuedCommand): boolean | WriteFailure {
    if (command.do === "seal") return this.#seal(command.fold, command.label);
    if (command.do === "acknowledge") return this.#acknowledge(command.fold, command.label);
    if (command.do !== "clear" || (command.isConditional && !this.#isToClear(reply))) return false;
    return this.#clear();
  }

  #seal(fold: number, label: string): boolean | WriteFailure {
    if (!this.#store.lifecycle.canSeal(fold, label)) return false;
    const sealed = { fold, label, sealedAt: Date.now() };
    return (
      this.#makeDurable(() => this.#database.seal(sealed)) ?? this.#store.seal(fold, label, sealed.sealedAt)
    );
  }

  #acknowledge(fold: number, label: string | undefined): boolean | WriteFailure {
    if (!this.#store.lifecycle.canAcknowledge(fold, label)) return false;
    const now = Date.now();
    const failure = this.#makeDurable(() => this.#database.acknowledge(fold, now));
    if (failure !== undefined) return failure;
    this.#store.acknowledge(fold, label, now);
    return true;
  }

  /** Asks the thread that sent the command, and waits. No play is committed meanwhile. */
  #isToClear(ask: QueuedCommand["reply"]): boolean {
    this.#questions = (this.#questions % MAX_QUESTION) + 1;
    ask({ did: "ask", question: this.#questions, version: this.#store.version });
    return this.#signals.waitForAnswer(this.#questions, ANSWER_MS) ?? false;
  }

  #clear(): boolean | WriteFailure {
    const failure = this.#makeDurable(() => this.#database.clear());
    if (failure !== undefined) return failure;
    this.#store.clear();
    return true;
  }
}

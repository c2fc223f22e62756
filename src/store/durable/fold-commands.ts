import type { CommitStore } from "../memory/commit-store.ts";
import type { Database } from "./disk/database.ts";
import type { WriteCommand, WriteFailure, WriteReply } from "./threads/messages.ts";
import { orRefused } from "./threads/reply-errors.ts";

/** Seals, acknowledges and clears: each command is durable before it is done in memory. */
export class FoldCommands {
  readonly #database: Database;
  readonly #store: CommitStore;
  readonly #makeDurable: (write: () => void) => WriteFailure | undefined;

  /** `makeDurable` calls a function that writes, and returns the failure, if it fails. */
  constructor(
    database: Database,
    store: CommitStore,
    makeDurable: (write: () => void) => WriteFailure | undefined,
  ) {
    this.#database = database;
    this.#store = store;
    this.#makeDurable = makeDurable;
  }

  /** Does a command, and returns its reply. */
  run(command: WriteCommand): WriteReply {
    return orRefused(() => {
      const done = this.#change(command);
      return typeof done === "boolean" ? { did: "control", value: done } : { did: "fail", failure: done };
    });
  }

  #change(command: WriteCommand): boolean | WriteFailure {
    if (command.do === "seal") return this.#seal(command.fold, command.label);
    if (command.do === "acknowledge") return this.#acknowledge(command.fold, command.label);
    return command.do === "clear" && this.#clear(command.version);
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

  #clear(version: string | undefined): boolean | WriteFailure {
    if (version !== undefined && this.#store.version !== version) return false;
    const failure = this.#makeDurable(() => this.#database.clear());
    if (failure !== undefined) return failure;
    this.#store.clear();
    return true;
  }
}

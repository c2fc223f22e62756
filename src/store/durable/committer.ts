import { CommitView } from "../memory/commit-view.ts";
import type { ShardedStore } from "../memory/sharded-store.ts";
import { Refusal } from "../refusal.ts";
import { Background } from "./background.ts";
import type { DataFolder } from "./disk/data-folder.ts";
import type { Database } from "./disk/database.ts";
import { Fence, isFull } from "./disk/fence.ts";
import { Staging } from "./staging.ts";
import type { AdditionRing, Outcome } from "./threads/addition-ring.ts";
import {
  type AddRequest,
  type AddResult,
  MAX_COMMIT_SONGS,
  type RefusedWrite,
  type WriteCommand,
  type WriteFailure,
  type WriteReply,
} from "./threads/messages.ts";
import type { Signals } from "./threads/signals.ts";

/** Overdue background work may take the time of the commit before it, and these milliseconds. */
const MIN_CATCH_UP_MS = 2;

/** Time for compaction at a stop. The next start continues it. */
const FINISH_MS = 2000;

type AddCommand = Extract<WriteCommand, { do: "add" }>;

/** A command that waits for a commit. */
export interface QueuedCommand {
  command: WriteCommand;
  reply: (reply: WriteReply) => void;
}

/** The results of a command, if its commit succeeds; the commit decides those that are staged. */
interface PendingReply {
  queued: QueuedCommand;
  results: { result: AddResult; isStaged: boolean }[];
}

/**
 * Changes a durable store by group commit: takes all additions that came during the last commit, makes them
 * durable with one sync, adds them to the store in memory, then replies. The folder's README.md has the
 * guarantees.
 */
export class Committer {
  readonly store: ShardedStore;
  readonly background: Background;
  /** The rings of the serving threads, by thread. */
  readonly rings: Map<number, AdditionRing> = new Map();
  readonly #folder: DataFolder;
  readonly #database: Database;
  readonly #view: CommitView;
  readonly #signals: Signals;
  readonly #fence: Fence;
  #queue: QueuedCommand[] = [];

  constructor(folder: DataFolder, database: Database, store: ShardedStore, signals: Signals) {
    this.store = store;
    this.#folder = folder;
    this.#database = database;
    this.#signals = signals;
    this.#fence = new Fence(signals);
    this.#view = new CommitView(store.handle);
    const { maxWriters } = store.handle;
    this.background = new Background(database, this.#view, this.#fence, signals, maxWriters);
  }

  push(queued: QueuedCommand): void {
    this.#queue.push(queued);
  }

  /** Commits what has come until now, and returns whether that was anything. */
  work(): boolean {
    const startedAt = performance.now();
    let isBusy = this.#commit(this.#takeAdditions());
    if (this.#queue.length > 0 && this.#queue[0]?.command.do !== "add") {
      this.#control(this.#queue.shift() as QueuedCommand);
      isBusy = true;
    }
    if (!isBusy) return false;
    this.background.catchUp(performance.now() - startedAt + MIN_CATCH_UP_MS);
    return true;
  }

  /** Closes the folder. After a failure of the storage it stays as it is, for the next start to read. */
  finish(): void {
    if (this.#signals.storageFailure === "failed") return;
    this.background.finish(FINISH_MS);
    this.#folder.recordedCommit = this.#database.lastCommit;
    this.#fence.attempt(() => this.#database.close());
    this.#folder.close();
  }

  #takeAdditions(): QueuedCommand[] {
    let songs = 0;
    let end = 0;
    while (end < this.#queue.length && songs < MAX_COMMIT_SONGS) {
      const { command } = this.#queue[end] as QueuedCommand;
      if (command.do !== "add") break;
      songs += command.requests.reduce((sum, { plays }) => sum + plays.length, 0);
      end++;
    }
    return this.#queue.splice(0, end);
  }

  /** Commits the additions in the rings and in messages, and replies. */
  #commit(additions: readonly QueuedCommand[]): boolean {
    const staging = new Staging(this.#view);
    const pending: PendingReply[] = [];
    for (const [at, queued] of additions.entries()) {
      const { requests } = queued.command as AddCommand;
      if (requests.some((request) => staging.hasWriterOf(request))) {
        this.#queue.unshift(...additions.slice(at)); // this request of the writer needs the reply before
        break;
      }
      pending.push({ queued, results: requests.map((request) => stage(staging, request)) });
    }
    const taken = this.#takeRings(staging);
    const { plays, keys } = staging;
    const failure = staging.isEmpty ? undefined : this.#makeDurable(() => this.#database.commit(plays, keys));
    if (failure === undefined) this.#apply(staging);
    for (const ring of this.rings.values()) ring.finish(outcomeOf(failure));
    for (const { queued, results } of pending)
      queued.reply({
        did: "add",
        results: results.map(({ result, isStaged }) => (isStaged ? (failure ?? result) : result)),
      });
    return taken + pending.length > 0;
  }

  #takeRings(staging: Staging): number {
    let taken = 0;
    const fold = this.#view.newestFold;
    for (const ring of this.rings.values())
      taken += ring.take((id, plays) => staging.tryAdd(id, plays), fold);
    return taken;
  }

  #apply({ plays, keys }: Staging): void {
    if (plays.size > 0) this.#view.add(plays);
    for (const request of keys) this.#view.remember(request);
  }

  #control({ command, reply }: QueuedCommand): void {
    const done = orRefused((): boolean | WriteReply => {
      if (command.do === "seal") return this.#seal(command.fold);
      if (command.do === "acknowledge") return this.#acknowledge(command.fold);
      return command.do === "clear" && this.#clear(command.version);
    });
    if (typeof done === "boolean") reply({ did: "control", value: done });
    else reply("reason" in done ? { did: "refuse", ...done } : done);
  }

  #seal(fold: number): boolean | WriteReply {
    if (!this.#view.canSeal(fold)) return false;
    return this.#makeDurable(() => this.#database.seal(fold)) ?? this.store.seal(fold);
  }

  #acknowledge(fold: number): boolean | WriteReply {
    if (!this.#view.canAcknowledge(fold)) return false;
    const failure = this.#makeDurable(() => this.#database.acknowledge(fold));
    if (failure !== undefined) return failure;
    this.#view.acknowledge(fold);
    this.background.lookForDropped();
    return true;
  }

  #clear(version: string | undefined): boolean | WriteReply {
    if (version !== undefined && this.store.version !== version) return false;
    const failure = this.#makeDurable(() => this.#database.clear());
    if (failure !== undefined) return failure;
    this.store.clear();
    this.background.lookForDropped();
    return true;
  }

  /** Returns the failure, if the write failed. */
  #makeDurable(write: () => void): WriteFailure | undefined {
    const failure = this.#fence.attempt(() => {
      try {
        write();
      } catch (error) {
        if (!isFull(error)) throw error;
        this.#database.checkpoint(); // the log itself may fill the disk, and starts over after a checkpoint
        write();
      }
    });
    // Before any reply: after a kill in between, a loss of this commit would go unnoticed.
    if (failure === undefined) this.#folder.recordedCommit = this.#database.lastCommit;
    return failure;
  }
}

function stage(staging: Staging, request: AddRequest): PendingReply["results"][number] {
  const before = staging.changes;
  const result = orRefused(() => staging.addAll(request));
  return { result, isStaged: staging.changes > before };
}

function outcomeOf(failure: WriteFailure | undefined): Outcome {
  if (failure === undefined) return "durable";
  return failure.isUnknown ? "unknown" : "refused";
}

function orRefused<T>(act: () => T): T | RefusedWrite {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { reason, message, members } = error; // an error that is sent to a thread loses its own fields
    return { reason, message, members };
  }
}

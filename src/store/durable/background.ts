import type { CommitStore } from "../memory/commit-store.ts";
import { Compaction } from "./disk/compaction.ts";
import type { DataFolder } from "./disk/data-folder.ts";
import type { Database } from "./disk/database.ts";
import type { Fence } from "./disk/fence.ts";
import type { Signals } from "./threads/signals.ts";

/**
 * Idle time before background work begins: plays that come one by one share a compaction and a checkpoint.
 */
const IDLE_MS = 50;

/** Idle time before the files are checked again. */
const CHECK_MS = 500;

/** Interval between attempts to find space on a full disk. */
const RETRY_MS = 1000;

/**
 * Does compaction and frees memory in steps of a few milliseconds, while the commit thread has no requests.
 */
export class Background {
  readonly #folder: DataFolder;
  readonly #database: Database;
  readonly #store: CommitStore;
  readonly #compaction: Compaction;
  readonly #fence: Fence;
  readonly #signals: Signals;

  constructor(folder: DataFolder, database: Database, store: CommitStore, fence: Fence, signals: Signals) {
    this.#folder = folder;
    this.#database = database;
    this.#store = store;
    this.#compaction = new Compaction(database, store.handle.maxWriters);
    this.#fence = fence;
    this.#signals = signals;
  }

  /** The commit thread's idle time before the next {@linkcode step}. */
  get idleMs(): number {
    const { storageFailure } = this.#signals;
    if (storageFailure === "failed") return Infinity;
    if (storageFailure === "full") return RETRY_MS;
    return this.#isDone ? CHECK_MS : IDLE_MS;
  }

  /** Does a step, and returns whether more remains. */
  step(): boolean {
    const { storageFailure } = this.#signals;
    if (storageFailure === "failed") return false;
    if (this.#store.hasToFree) this.#store.free();
    if (storageFailure === "full") return this.#store.hasToFree;
    const failure = this.#fence.attempt(() => {
      this.#folder.checkFiles();
      if (!this.#compaction.isDone) this.#compaction.step();
    });
    return failure === undefined && !this.#isDone;
  }

  /** Ends the state of a full disk if it has space again. A step of compaction may make some in the file. */
  findSpace(): void {
    this.#fence.attemptToReopen(() => {
      this.#folder.checkFiles();
      if (!this.#compaction.isDone) this.#compaction.step();
      this.#database.probe();
    });
  }

  /** Does overdue steps for `timeoutMs`, and further ones while the backlog is beyond its bound. */
  catchUp(timeoutMs: number): void {
    if (this.#store.hasToFree) this.#store.free();
    const end = performance.now() + timeoutMs;
    while (
      this.#compaction.isOverdue &&
      (performance.now() < end || this.#compaction.isBlocking) &&
      this.step()
    );
  }

  /** Compacts all commits, for at most `timeoutMs`. The next start continues. */
  finish(timeoutMs: number): void {
    const end = performance.now() + timeoutMs;
    while (!this.#compaction.isCompacted && performance.now() < end && this.step());
  }

  get #isDone(): boolean {
    return this.#compaction.isDone && !this.#store.hasToFree;
  }
}

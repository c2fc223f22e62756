import { runAtOnce } from "../../async/turns.ts";
import type { BatchColumns } from "../memory/batch-columns.ts";
import type { CommitStore, StagedAddition } from "../memory/commit-store.ts";
import { Refusal } from "../refusal.ts";
import type { KeyedRequest } from "../request-key.ts";
import { Background } from "./background.ts";
import type { DataFolder } from "./disk/data-folder.ts";
import type { Database } from "./disk/database.ts";
import { Fence, isFull } from "./disk/fence.ts";
import { FoldCommands } from "./fold-commands.ts";
import type { AdditionRing } from "./threads/addition-ring.ts";
import type { AddCommand, QueuedCommand, WriteFailure, WriteReply } from "./threads/messages.ts";
import { describeStorageFailure, orRefused } from "./threads/reply-errors.ts";
import type { Signals } from "./threads/signals.ts";

/** Songs after which a commit takes no further batch: other plays wait for it. */
const MAX_COMMIT_SONGS = 10_000;

/** Overdue background work may take the time of the commit before it, within these milliseconds. */
const [MIN_CATCH_UP_MS, MAX_CATCH_UP_MS] = [2, 10];

/** Time for compaction at a stop. The next start continues it. */
const FINISH_MS = 2000;

/** A reply to send after the commit. A failed commit replaces it if `isStaged`. */
interface PendingReply {
  queued: QueuedCommand;
  reply: WriteReply;
  isStaged: boolean;
}

/**
 * Changes a durable store by group commit: takes the plays that came during the last commit, and batches up
 * to 10,000 songs, makes them durable with one sync, adds them to the store in memory, then replies. The
 * folder's README.md has the guarantees.
 */
export class Committer {
  readonly store: CommitStore;
  readonly background: Background;
  /** The rings of the serving threads, by thread. */
  readonly rings: Map<number, AdditionRing> = new Map();
  readonly #folder: DataFolder;
  readonly #database: Database;
  readonly #signals: Signals;
  readonly #fence: Fence;
  readonly #foldCommands: FoldCommands;
  readonly #queue: QueuedCommand[] = [];
  /** Stages the batch at the head of the queue in slices. Plays are committed in between. */
  #staging: Generator<undefined, StagedAddition> | undefined;

  constructor(folder: DataFolder, database: Database, store: CommitStore, signals: Signals) {
    this.store = store;
    this.#folder = folder;
    this.#database = database;
    this.#signals = signals;
    this.#fence = new Fence(signals);
    this.background = new Background(folder, database, store, this.#fence, signals);
    this.#foldCommands = new FoldCommands(database, store, signals, (write) => this.#makeDurable(write));
  }

  push(queued: QueuedCommand): void {
    this.#queue.push(queued);
  }

  /** Commits what has come until now, and returns whether that was anything. */
  work(): boolean {
    const startedAt = performance.now();
    if (this.#signals.storageFailure === "full") this.background.findSpace();
    const wasStaging = this.#staging !== undefined;
    let isBusy = this.#commit();
    const [next] = this.#queue;
    if (next !== undefined && next.command.do !== "add") {
      this.#queue.shift();
      next.reply(this.#foldCommands.run(next));
      isBusy = true;
    }
    // After the last slice of a large batch: plays have waited for it, so background work waits.
    if (!isBusy || (wasStaging && this.#staging === undefined)) return isBusy;
    const tookMs = performance.now() - startedAt;
    this.background.catchUp(Math.min(tookMs + MIN_CATCH_UP_MS, MAX_CATCH_UP_MS));
    return true;
  }

  /**
   * Closes the folder, and returns true if it has everything. After a failure of the storage it stays as it
   * is, for the next start to read.
   */
  finish(): boolean {
    if (this.#signals.storageFailure === "failed") return false;
    this.background.finish(FINISH_MS);
    this.#folder.recordedCommit = this.#database.lastCommit;
    const failure = this.#fence.attempt(() => {
      this.#folder.checkFiles();
      this.#database.close();
    });
    this.#folder.close();
    return failure === undefined || failure === "full";
  }

  /** Commits the additions in the rings and in messages, and replies. */
  #commit(): boolean {
    const taken = this.#takeRings();
    const pending = this.#takeMessages();
    const failure = this.#commitStaged();
    for (const ring of this.rings.values()) ring.finish(failure);
    for (const { queued, reply, isStaged } of pending)
      queued.reply(isStaged && failure !== undefined ? { did: "fail", failure } : reply);
    return taken + pending.length > 0 || this.#staging !== undefined;
  }

  #takeRings(): number {
    let taken = 0;
    for (const ring of this.rings.values())
      taken += ring.take((words, at, plays, keyed) => {
        if (this.store.hasStaged(keyed)) return undefined;
        return runAtOnce(this.#stage(this.store.unpackOne(words, at, plays), keyed));
      });
    return taken;
  }

  #takeMessages(): PendingReply[] {
    const pending: PendingReply[] = [];
    for (let [next] = this.#queue; next !== undefined; [next] = this.#queue) {
      const { command } = next;
      if (command.do !== "add" || this.store.hasStaged(command.keyed)) break;
      if (pending.length > 0 && this.store.stagedSongs + command.batch.size > MAX_COMMIT_SONGS) break;
      const taken = this.#takeBatch(command);
      if (taken === undefined) break;
      pending.push({ queued: next, ...taken });
      this.#queue.shift();
    }
    return pending;
  }

  /** Does a slice of staging a batch. Returns `undefined` if it is not staged then. */
  #takeBatch({ batch, keyed }: AddCommand): Omit<PendingReply, "queued"> | undefined {
    const staging = (this.#staging ??= this.#stage(this.store.unpack(batch), keyed));
    let isStaged = false;
    const reply = orRefused(() => {
      const { done, value: staged } = staging.next();
      if (!done) return undefined;
      ({ isStaged } = staged);
      return { did: "add", addition: staged.addition } as const;
    });
    if (reply === undefined) return undefined;
    this.#staging = undefined;
    return { reply, isStaged };
  }

  /** Stages additions. While the storage cannot be written, only a request that was counted has an answer. */
  *#stage(songs: BatchColumns, keyed: KeyedRequest | undefined): Generator<undefined, StagedAddition> {
    const unavailable = describeStorageFailure(this.#signals.storageFailure);
    if (unavailable === undefined) return yield* this.store.stage(songs, keyed);
    const addition = keyed && (yield* this.store.batches.recall(keyed, songs));
    if (addition === undefined) throw Refusal.unavailable(unavailable);
    return { addition, isStaged: false };
  }

  #commitStaged(): WriteFailure | undefined {
    const { stagedSongs, stagedRequests } = this.store;
    if (stagedSongs + stagedRequests.length === 0) return undefined;
    const failure = this.#makeDurable(() =>
      this.#database.commit(this.store.stagedEntries(), stagedRequests),
    );
    if (failure === undefined) {
      this.store.applyStaged();
    } else {
      this.store.discardStaged();
      this.#staging = undefined; // its entries are gone, too; it begins again, and is refused
    }
    return failure;
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
      this.#folder.checkFiles();
    });
    // Before any reply: after a kill in between, a loss of this commit would go unnoticed.
    if (failure === undefined) this.#folder.recordedCommit = this.#database.lastCommit;
    return failure;
  }
}

import { CommitView } from "../memory/commit-view.ts";
import { Refusal } from "../refusal.ts";
import type { ShardedStore } from "../memory/sharded-store.ts";
import type { DataFolder } from "./disk/data-folder.ts";
import type { Database } from "./disk/database.ts";
import type { AdditionRing, Outcome } from "./threads/addition-ring.ts";
import { Fence, isFull } from "./disk/fence.ts";
import { Background } from "./background.ts";
import {
  type Added,
  type Addend,
  type WriteReply,
  type WriteCommand,
  type Failed,
  MOST_SONGS,
  type Refused,
} from "./threads/messages.ts";
import type { Signals } from "./threads/signals.ts";
import { Staging } from "./staging.ts";

/** Milliseconds that the background may have behind a commit, if it cannot wait, and the time of the commit besides. */
const LEAST_HURRY = 2;

/** Milliseconds that the background may have at the end. What is left over is done after the next start. */
const AT_THE_END = 2000;

type Add = Extract<WriteCommand, { do: "add" }>;

/** A message, and who wants the answer. */
export interface PendingWrite {
  ask: WriteCommand;
  answer: (answer: WriteReply) => void;
}

/** What will be the answer to a message: of each addend, and whether that depends on the commit. */
interface Staged {
  asked: PendingWrite;
  added: { added: Added; isStaged: boolean }[];
}

/**
 * The one that changes a durable store: it gathers what is asked for while a commit is under way, makes that durable with
 * the next one, then adds it to the store in memory, and answers.
 */
export class Committer {
  readonly store: ShardedStore;
  readonly background: Background;
  /** The rings that additions come through, by the number of the thread. */
  readonly rings: Map<number, AdditionRing> = new Map();
  readonly #folder: DataFolder;
  readonly #database: Database;
  readonly #view: CommitView;
  readonly #signals: Signals;
  readonly #fence: Fence;
  #queue: PendingWrite[] = [];

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

  push(asked: PendingWrite): void {
    this.#queue.push(asked);
  }

  /** Does what was asked for until now, and tells whether that was anything. */
  work(): boolean {
    const startedAt = performance.now();
    let isBusy = this.#commit(this.#takeAdditions());
    if (this.#queue.length > 0 && this.#queue[0]?.ask.do !== "add") {
      this.#control(this.#queue.shift() as PendingWrite);
      isBusy = true;
    }
    if (!isBusy) return false;
    this.background.hurry(performance.now() - startedAt + LEAST_HURRY);
    return true;
  }

  /** Lets go of everything. */
  finish(): void {
    if (this.#signals.ailment === "failed") return; // whoever starts next reads what is there
    this.background.finish(AT_THE_END);
    this.#folder.mark = this.#database.last;
    this.#fence.attempt(() => this.#database.close());
    this.#folder.close();
  }

  #takeAdditions(): PendingWrite[] {
    let size = 0;
    let end = 0;
    while (end < this.#queue.length && size < MOST_SONGS) {
      const { ask } = this.#queue[end] as PendingWrite;
      if (ask.do !== "add") break;
      size += ask.addends.reduce((sum, { plays }) => sum + plays.length, 0);
      end++;
    }
    return this.#queue.splice(0, end);
  }

  /** Makes durable what is in the rings and in messages, and answers. */
  #commit(taken: readonly PendingWrite[]): boolean {
    const staging = new Staging(this.#view);
    const staged: Staged[] = [];
    for (const [at, asked] of taken.entries()) {
      const { addends } = asked.ask as Add;
      if (addends.some((addend) => staging.isWriting(addend))) {
        this.#queue.unshift(...taken.slice(at)); // a writer's next request, which needs the answer to this one
        break;
      }
      staged.push({ asked, added: addends.map((addend) => stage(staging, addend)) });
    }
    const asked = this.#takeRings(staging);
    const failure = staging.isEmpty ? undefined : this.#makeDurable(() => this.#database.commit(staging));
    if (failure === undefined) this.#apply(staging);
    for (const ring of this.rings.values()) ring.finish(outcomeOf(failure));
    for (const { asked, added } of staged)
      asked.answer({
        did: "add",
        added: added.map(({ added, isStaged }) => (isStaged ? (failure ?? added) : added)),
      });
    return asked + staged.length > 0;
  }

  #takeRings(staging: Staging): number {
    let asked = 0;
    const fold = this.#view.newestFold;
    for (const ring of this.rings.values())
      asked += ring.take((id, plays) => staging.tryAdd(id, plays), fold);
    return asked;
  }

  #apply({ plays, keys }: Staging): void {
    if (plays.size > 0) this.#view.add(plays);
    for (const request of keys) this.#view.remember(request);
  }

  #control({ ask, answer }: PendingWrite): void {
    const done = orRefused((): boolean | WriteReply => {
      if (ask.do === "seal") return this.#seal(ask.fold);
      if (ask.do === "acknowledge") return this.#acknowledge(ask.fold);
      return ask.do === "clear" && this.#clear(ask.version);
    });
    if (typeof done === "boolean") answer({ did: "control", value: done });
    else answer("reason" in done ? { did: "refuse", ...done } : done);
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

  /** Gives why it failed, if it did. */
  #makeDurable(write: () => void): Failed | undefined {
    const failure = this.#fence.attempt(() => {
      try {
        write();
      } catch (error) {
        if (!isFull(error)) throw error;
        this.#database.checkpoint(); // the log may be what fills the disk, and can begin anew
        write();
      }
    });
    // Before anybody is answered, or a kill might come in between, and a damage of the log would not be noticed.
    if (failure === undefined) this.#folder.mark = this.#database.last;
    return failure;
  }
}

function stage(staging: Staging, addend: Addend): Staged["added"][number] {
  const before = staging.changes;
  const added = orRefused(() => staging.addAll(addend));
  return { added, isStaged: staging.changes > before };
}

function outcomeOf(failure: Failed | undefined): Outcome {
  if (failure === undefined) return "durable";
  return failure.isUnknown ? "unknown" : "refused";
}

function orRefused<T>(act: () => T): T | Refused {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { reason, message, members } = error; // an error that is sent to a thread loses its own fields
    return { reason, message, members };
  }
}

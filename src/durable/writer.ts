import { Preparation } from "../store/preparation.ts";
import { Refusal } from "../store/refusal.ts";
import type { ShardedStore } from "../store/sharded-store.ts";
import type { DataFolder } from "./data-folder.ts";
import type { Database } from "./database.ts";
import type { AdditionRing, Outcome } from "./addition-ring.ts";
import { type Failed, Fence, isFull } from "./fence.ts";
import { Folding } from "./folding.ts";
import type { Added, Answer, Ask, Refused } from "./messages.ts";
import type { Signals } from "./signals.ts";
import { Staging } from "./staging.ts";

/** Additions of one commit, more or less: it is to be a matter of milliseconds. */
const MOST_STAGED = 20_000;

/** Pauses in milliseconds: before there is time for the background, and before a full disk is tried again. */
const IDLE = 20;
const RETRY = 1000;

type Add = Extract<Ask, { do: "add" }>;

/** A message, and who wants the answer. */
export interface Asked {
  ask: Ask;
  answer: (answer: Answer) => void;
}

/** What was staged for a message, and will be its answer. */
interface Staged {
  asked: Asked;
  answer: Answer;
}

/**
 * The one that changes a durable store: it gathers what is asked for while a commit is under way, makes that durable with
 * the next one, then adds it to the store in memory, and answers.
 */
export class Writer {
  readonly store: ShardedStore;
  /** The rings that additions come through, by the number of the thread. */
  readonly rings: Map<number, AdditionRing> = new Map();
  readonly #folder: DataFolder;
  readonly #database: Database;
  readonly #preparation: Preparation;
  readonly #folding: Folding;
  readonly #signals: Signals;
  readonly #fence: Fence;
  #queue: Asked[] = [];

  constructor(folder: DataFolder, database: Database, store: ShardedStore, signals: Signals) {
    this.store = store;
    this.#folder = folder;
    this.#database = database;
    this.#signals = signals;
    this.#fence = new Fence(signals);
    this.#preparation = new Preparation(store.handle);
    this.#folding = new Folding(database, store.handle.maxWriters);
  }

  push(asked: Asked): void {
    this.#queue.push(asked);
  }

  /** Does what was asked for until now, and tells whether that was anything. */
  work(): boolean {
    let isBusy = this.#commit(this.#takeAdditions());
    if (this.#queue.length > 0 && this.#queue[0]?.ask.do !== "add") {
      this.#control(this.#queue.shift() as Asked);
      isBusy = true;
    }
    if (isBusy) this.#folder.mark = this.#database.last; // when all are answered, as nobody waits for that
    if (isBusy && this.#folding.isUrgent) this.rest();
    return isBusy;
  }

  /** How many milliseconds there has to be nothing to do before it is time to {@linkcode rest}. */
  get pause(): number {
    const { ailment } = this.#signals;
    if (ailment === "failed") return Infinity;
    if (ailment === "full") return RETRY;
    return this.#folding.isDone ? Infinity : IDLE;
  }

  /** Does some work of the background, and tells whether there is more. */
  rest(): boolean {
    const { ailment } = this.#signals;
    if (ailment === "failed") return false;
    if (ailment === "full") return this.#fence.attempt(() => this.#database.makeRoom()) === undefined;
    return this.#fence.attempt(() => this.#folding.step()) === undefined && !this.#folding.isDone;
  }

  #finish(): void {
    if (this.#signals.ailment === "failed") return; // whoever starts next reads what is there
    while (this.rest());
    this.#folder.mark = this.#database.last;
    this.#fence.attempt(() => this.#database.close());
    this.#folder.close();
  }

  #takeAdditions(): Asked[] {
    let size = 0;
    let end = 0;
    while (end < this.#queue.length && size < MOST_STAGED) {
      const { ask } = this.#queue[end] as Asked;
      if (ask.do !== "add") break;
      size += ask.addends.reduce((sum, { plays }) => sum + plays.length, 0);
      end++;
    }
    return this.#queue.splice(0, end);
  }

  /** Makes durable what is in the rings and in messages, and answers. */
  #commit(taken: readonly Asked[]): boolean {
    const staging = new Staging(this.#preparation);
    const staged: Staged[] = [];
    for (const [at, asked] of taken.entries()) {
      const { addends } = asked.ask as Add;
      if (addends.some((addend) => staging.isWriting(addend))) {
        this.#queue.unshift(...taken.slice(at)); // a writer's next request, which needs the answer to this one
        break;
      }
      const added = addends.map((addend): Added => orRefused(() => staging.addAll(addend)));
      staged.push({ asked, answer: { did: "add", added } });
    }
    const asked = this.#takeRings(staging);
    const failure = staging.isEmpty ? undefined : this.#makeDurable(() => this.#database.commit(staging));
    if (failure === undefined) this.#apply(staging);
    for (const ring of this.rings.values()) ring.finish(outcomeOf(failure));
    for (const { asked, answer } of staged) asked.answer(failure ?? answer);
    return asked + staged.length > 0;
  }

  #takeRings(staging: Staging): number {
    let asked = 0;
    const fold = this.#preparation.newestFold;
    for (const ring of this.rings.values())
      asked += ring.take((id, plays) => staging.tryAdd(id, plays), fold);
    return asked;
  }

  #apply({ plays, keys }: Staging): void {
    if (plays.size > 0) this.store.addAll(plays);
    for (const request of keys) this.#preparation.remember(request);
  }

  #control({ ask, answer }: Asked): void {
    const done = orRefused((): boolean | Answer => {
      if (ask.do === "seal") return this.#seal(ask.fold);
      if (ask.do === "acknowledge") return this.#acknowledge(ask.fold);
      if (ask.do === "clear") return this.#clear(ask.version);
      this.#finish();
      return true;
    });
    if (typeof done === "boolean") answer({ did: "control", value: done });
    else answer("reason" in done ? { did: "refuse", ...done } : done);
  }

  #seal(fold: number): boolean | Answer {
    if (!this.#preparation.canSeal(fold)) return false;
    return this.#makeDurable(() => this.#database.seal(fold)) ?? this.store.seal(fold);
  }

  #acknowledge(fold: number): boolean | Answer {
    if (!this.#preparation.canAcknowledge(fold)) return false;
    const failure = this.#makeDurable(() => this.#database.acknowledge(fold));
    if (failure !== undefined) return failure;
    this.store.acknowledge(fold);
    this.#folding.lookForDropped();
    return true;
  }

  #clear(version: string): boolean | Answer {
    if (this.store.version !== version) return false;
    const failure = this.#makeDurable(() => this.#database.clear());
    if (failure !== undefined) return failure;
    this.store.clear();
    this.#folding.lookForDropped();
    return true;
  }

  /** Gives why it failed, if it did. */
  #makeDurable(write: () => void): Failed | undefined {
    return this.#fence.attempt(() => {
      try {
        write();
      } catch (error) {
        if (!isFull(error)) throw error;
        this.#database.checkpoint(); // the log may be what fills the disk, and can begin anew
        write();
      }
    });
  }
}

function outcomeOf(failure: Failed | undefined): Outcome {
  if (failure === undefined) return "durable";
  return failure.isUnknown ? "unknown" : "refused";
}

function orRefused<T>(act: () => T): T | Refused {
  try {
    return act();
  } catch (error) {
    if (error instanceof Refusal) return { reason: error.reason, message: error.message };
    throw error;
  }
}

import { Preparation } from "../store/preparation.ts";
import { Refusal } from "../store/refusal.ts";
import type { ShardedStore } from "../store/sharded-store.ts";
import type { DataFolder } from "./data-folder.ts";
import { reasonOf } from "./data-error.ts";
import type { Database } from "./database.ts";
import { Folding, MOST_WAITING } from "./folding.ts";
import type { Added, Addend, Answer, Ask, Refused } from "./messages.ts";
import { Staging } from "./staging.ts";

/** Additions of one commit, more or less: it is to be a matter of milliseconds. */
const MOST_STAGED = 20_000;

/** SQLite's result codes (https://sqlite.org/rescode.html). */
const BUSY = 5;
const FULL = 13;

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
  readonly #folder: DataFolder;
  readonly #database: Database;
  readonly #store: ShardedStore;
  readonly #preparation: Preparation;
  readonly #folding: Folding;
  #queue: Asked[] = [];
  /** Set when nobody knows what the disk has: nothing more is written then. */
  #fence: string | undefined;

  constructor(folder: DataFolder, database: Database, store: ShardedStore) {
    this.#folder = folder;
    this.#database = database;
    this.#store = store;
    this.#preparation = new Preparation(store.handle);
    this.#folding = new Folding(database);
  }

  push(asked: Asked): void {
    this.#queue.push(asked);
  }

  /** Does what was asked for until now, or something in the background, and tells whether there is more to do. */
  work(): boolean {
    if (this.#queue.length === 0) return this.#fold();
    if (this.#fence !== undefined) {
      const message = this.#fence;
      for (const { answer } of this.#queue.splice(0)) answer({ did: "fail", isUnknown: false, message });
      return false;
    }
    const [{ ask }] = this.#queue as [Asked];
    if (ask.do === "add") this.#commit(this.#takeAdditions());
    else this.#control(this.#queue.shift() as Asked);
    if (this.#folding.waiting > MOST_WAITING) this.#fold();
    return this.#queue.length > 0 || this.#folding.waiting > 0;
  }

  /** Does all that was asked for, and lets go of everything. */
  finish(): void {
    while (this.#queue.length > 0) this.work();
    while (this.#folding.waiting > 0 && this.#fold());
    try {
      this.#database.close();
    } finally {
      this.#folder.close();
    }
  }

  #takeAdditions(): Asked[] {
    let size = 0;
    let end = 0;
    while (end < this.#queue.length && size < MOST_STAGED) {
      const { ask } = this.#queue[end] as Asked;
      if (ask.do !== "add") break;
      size += ask.ids.length + ask.addends.reduce((sum, { plays }) => sum + plays.length, 0);
      end++;
    }
    return this.#queue.splice(0, end);
  }

  #commit(taken: readonly Asked[]): void {
    const staging = new Staging(this.#preparation);
    const staged: Staged[] = [];
    for (const [at, asked] of taken.entries()) {
      const ask = asked.ask as Add;
      if (ask.addends.some((addend) => staging.isWriting(addend))) {
        this.#queue.unshift(...taken.slice(at)); // a writer's next request, which needs the answer to this one
        break;
      }
      staged.push({ asked, answer: this.#stage(staging, ask) });
    }
    const failure = staging.isEmpty ? undefined : this.#makeDurable(() => this.#database.commit(staging));
    if (failure === undefined) this.#apply(staging);
    for (const { asked, answer } of staged) asked.answer(failure ?? answer);
  }

  #stage(staging: Staging, { ids, plays, addends }: Add): Answer {
    const refused: (Refused & { at: number })[] = [];
    const counts = ids.map((id, at) => {
      const count = orRefused(() => staging.add(id, plays[at] as number));
      if (typeof count === "number") return count;
      refused.push({ at, ...count });
      return 0;
    });
    const added = addends.map((addend: Addend): Added => orRefused(() => staging.addAll(addend)));
    return { did: "add", counts, fold: this.#preparation.newestFold, refused, added };
  }

  #apply({ plays, keys }: Staging): void {
    if (plays.size > 0) this.#store.addAll(plays);
    for (const request of keys) this.#preparation.remember(request);
  }

  #control({ ask, answer }: Asked): void {
    const done = orRefused((): boolean | Answer => {
      if (ask.do === "seal") return this.#seal(ask.fold);
      if (ask.do === "acknowledge") return this.#acknowledge(ask.fold);
      if (ask.do === "clear") return this.#clear(ask.version);
      return false;
    });
    if (typeof done === "boolean") answer({ did: "control", value: done });
    else answer("reason" in done ? { did: "refuse", ...done } : done);
  }

  #seal(fold: number): boolean | Answer {
    if (!this.#preparation.canSeal(fold)) return false;
    return this.#makeDurable(() => this.#database.seal(fold)) ?? this.#store.seal(fold);
  }

  #acknowledge(fold: number): boolean | Answer {
    if (!this.#preparation.canAcknowledge(fold)) return false;
    const failure = this.#makeDurable(() => this.#database.acknowledge(fold));
    if (failure !== undefined) return failure;
    this.#store.acknowledge(fold);
    this.#folding.lookForDropped();
    return true;
  }

  #clear(version: string): boolean | Answer {
    if (this.#store.version !== version) return false;
    const failure = this.#makeDurable(() => this.#database.clear());
    if (failure !== undefined) return failure;
    this.#store.clear();
    this.#folding.lookForDropped();
    return true;
  }

  /** Gives why it failed, if it did. */
  #makeDurable(write: () => void): Extract<Answer, { did: "fail" }> | undefined {
    try {
      write();
      this.#folder.mark = this.#database.last;
      return undefined;
    } catch (error) {
      const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff;
      if (code === FULL) return { did: "fail", isUnknown: false, message: "The disk is full" };
      if (code === BUSY) return { did: "fail", isUnknown: false, message: "The file is in use" };
      this.#fence = "The storage has failed";
      console.error(`playcount: the storage has failed, and nothing is written any more: ${reasonOf(error)}`);
      return { did: "fail", isUnknown: true, message: "It is not known whether this was counted" };
    }
  }

  #fold(): boolean {
    if (this.#fence !== undefined) return false;
    try {
      return this.#folding.step();
    } catch {
      return false; // on a full disk it can wait; if it is worse, the next commit will tell
    }
  }
}

function orRefused<T>(act: () => T): T | Refused {
  try {
    return act();
  } catch (error) {
    if (error instanceof Refusal) return { reason: error.reason, message: error.message };
    throw error;
  }
}

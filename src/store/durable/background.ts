import type { CommitView } from "../memory/commit-view.ts";
import type { Database } from "./disk/database.ts";
import type { Fence } from "./disk/fence.ts";
import { Compaction } from "./disk/compaction.ts";
import type { Signals } from "./threads/signals.ts";

/** Pauses in milliseconds: before there is time for the background, and before a full disk is tried again. */
const IDLE = 5;
const RETRY = 1000;

/** What the thread that writes does when nobody waits for it, in steps of a few milliseconds. */
export class Background {
  readonly #database: Database;
  readonly #view: CommitView;
  readonly #folding: Compaction;
  readonly #fence: Fence;
  readonly #signals: Signals;

  constructor(
    database: Database,
    preparation: CommitView,
    fence: Fence,
    signals: Signals,
    maxWriters: number,
  ) {
    this.#database = database;
    this.#view = preparation;
    this.#folding = new Compaction(database, maxWriters);
    this.#fence = fence;
    this.#signals = signals;
  }

  /** How many milliseconds there has to be nothing else to do before it is time for a {@linkcode step}. */
  get pause(): number {
    const { ailment } = this.#signals;
    if (ailment === "failed") return Infinity;
    if (ailment === "full") return RETRY;
    return this.#isDone ? Infinity : IDLE;
  }

  /** Does some of it, and tells whether there is more. */
  step(): boolean {
    const { ailment } = this.#signals;
    if (ailment === "failed") return false;
    if (ailment === "full") return this.#fence.attempt(() => this.#database.makeRoom()) === undefined;
    if (this.#view.hasToFree) this.#view.free();
    return this.#fence.attempt(() => this.#folding.step()) === undefined && !this.#isDone;
  }

  /**
   * Does what cannot wait until there is a pause, for so many milliseconds; and for longer if it has come to too much, or
   * else there would be no end to it.
   */
  hurry(milliseconds: number): void {
    if (this.#view.hasToFree) this.#view.free();
    const end = performance.now() + milliseconds;
    while (this.#folding.isUrgent && (performance.now() < end || this.#folding.isTooMuch) && this.step());
  }

  /** Has all commits be in the table of songs, as far as there is time. What is left over is done after the next start. */
  finish(milliseconds: number): void {
    const end = performance.now() + milliseconds;
    while (!this.#folding.isFolded && performance.now() < end && this.step());
  }

  /** Says that a fold was dropped. */
  lookForDropped(): void {
    this.#folding.lookForDropped();
  }

  get #isDone(): boolean {
    return this.#folding.isDone && !this.#view.hasToFree;
  }
}

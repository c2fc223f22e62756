import type { Plays } from "./ledger.ts";

/** The table that the batch job adds folds to: one that outlives every kill. */
export class Table {
  readonly #rows = new Map<string, { plays: number; fold: number }>();
  /** The last fold that is in. */
  done = 0;

  playsOf(id: string): number {
    return this.#rows.get(id)?.plays ?? 0;
  }

  /** Adds a fold, each row but once. */
  add(fold: number, plays: Plays): void {
    for (const [id, more] of plays) {
      const row = this.#rows.get(id) ?? { plays: 0, fold: 0 };
      if (row.fold < fold) this.#rows.set(id, { plays: row.plays + more, fold });
    }
    this.done = Math.max(this.done, fold);
  }
}

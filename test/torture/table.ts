import type { Plays } from "./ledger.ts";

/** The table to which the job adds folds. It survives every kill. */
export class Table {
  readonly #rows = new Map<string, { plays: number; fold: number }>();
  /** The last fold that was added. */
  done = 0;

  playsOf(id: string): number {
    return this.#rows.get(id)?.plays ?? 0;
  }

  /** Adds a fold. Idempotent for each row. */
  add(fold: number, plays: Plays): void {
    for (const [id, more] of plays) {
      const row = this.#rows.get(id) ?? { plays: 0, fold: 0 };
      if (row.fold < fold) this.#rows.set(id, { plays: row.plays + more, fold });
    }
    this.done = Math.max(this.done, fold);
  }
}

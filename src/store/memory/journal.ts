import type { Memory } from "./memory.ts";

/**
 * What a thread is about to write into several shards at once, in shared memory: if it dies on the way, another thread
 * writes the rest, so that all of it is there or nothing.
 *
 * Used by who holds the locks of all shards that are written to.
 */
export class Journal {
  readonly #memory: Memory;
  readonly #others: Float64Array;
  #block = 0;
  #size = 0;
  #length = 0;

  /** It writes into `memory`, and into `others` as well. */
  constructor(memory: Memory, others: Float64Array) {
    this.#memory = memory;
    this.#others = others;
  }

  /** Begins anew, with room for `most` numbers; false if there is no memory for that. */
  begin(most: number): boolean {
    this.#size = Math.max(3, Math.ceil(Math.log2(most + 1) + 1));
    this.#block = this.#memory.allocate(this.#size);
    this.#length = 0;
    return this.#block !== 0;
  }

  /** Notes that a unit is to have a value. */
  note(unit: number, value: number): void {
    const at = this.#block + 2 + 2 * this.#length++;
    this.#memory.counts[at] = unit;
    this.#memory.counts[at + 1] = value;
  }

  /** Notes that a unit of the others, not the first one, is to have a value. */
  noteOther(unit: number, value: number): void {
    this.note(-unit, value);
  }

  /** Does all that was noted. */
  commit(): void {
    const memory = this.#memory;
    memory.counts[this.#block + 1] = this.#length;
    memory.countChange();
    memory.journal = this.#block; // from here on it will be done
    this.#perform(this.#block);
    memory.journal = 0;
    memory.free(this.#block, this.#size);
  }

  /** Does what another thread had written down when it died. Its block is lost until the next clear. */
  perform(owner: number): void {
    const block = this.#memory.takeJournalOf(owner);
    if (block !== 0) this.#perform(block);
  }

  #perform(block: number): void {
    const { counts } = this.#memory;
    const length = counts[block + 1] as number;
    for (let at = block + 2; at < block + 2 + 2 * length; at += 2) {
      const unit = counts[at] as number;
      const value = counts[at + 1] as number;
      if (unit > 0) counts[unit] = value;
      else this.#others[-unit] = value;
    }
  }
}

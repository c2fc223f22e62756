import type { Heap } from "./heap.ts";

/**
 * What a thread is about to write into several shards at once, in shared memory: if it dies on the way, another thread
 * writes the rest, so that all of it is there or nothing.
 *
 * Used by who holds the locks of all shards that are written to.
 */
export class Journal {
  readonly #heap: Heap;
  readonly #others: Float64Array;
  #block = 0;
  #size = 0;
  #length = 0;

  /** It writes into `memory`, and into `others` as well. */
  constructor(heap: Heap, others: Float64Array) {
    this.#heap = heap;
    this.#others = others;
  }

  /** Begins anew, with room for `most` numbers; false if there is no memory for that. */
  begin(most: number): boolean {
    this.#size = Math.max(3, Math.ceil(Math.log2(most + 1) + 1));
    this.#block = this.#heap.allocate(this.#size);
    this.#length = 0;
    return this.#block !== 0;
  }

  /** Notes that a unit is to have a value. */
  note(unit: number, value: number): void {
    const at = this.#block + 2 + 2 * this.#length++;
    this.#heap.numbers[at] = unit;
    this.#heap.numbers[at + 1] = value;
  }

  /** Notes that a unit of the others, not the first one, is to have a value. */
  noteRequest(unit: number, value: number): void {
    this.note(-unit, value);
  }

  /** Does all that was noted. */
  commit(): void {
    const heap = this.#heap;
    heap.numbers[this.#block + 1] = this.#length;
    heap.countChange();
    heap.journal = this.#block; // from here on it will be done
    this.#perform(this.#block);
    heap.journal = 0;
    heap.free(this.#block, this.#size);
  }

  /** Does what another thread had written down when it died. Its block is lost until the next clear. */
  replayOf(owner: number): void {
    const block = this.#heap.takeJournalOf(owner);
    if (block !== 0) this.#perform(block);
  }

  #perform(block: number): void {
    const { numbers: counts } = this.#heap;
    const length = counts[block + 1] as number;
    for (let at = block + 2; at < block + 2 + 2 * length; at += 2) {
      const unit = counts[at] as number;
      const value = counts[at + 1] as number;
      if (unit > 0) counts[unit] = value;
      else this.#others[-unit] = value;
    }
  }
}

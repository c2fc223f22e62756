import type { Memory } from "./memory.ts";

/**
 * What a thread is about to write into several shards at once, in shared memory: if it dies on the way, another thread
 * writes the rest, so that all of it is there or nothing.
 *
 * Used by who holds the locks of all shards that are written to.
 */
export class Journal {
  readonly #memory: Memory;

  constructor(memory: Memory) {
    this.#memory = memory;
  }

  /**
   * Has each of `entries` have the count that stands at its place in `counts`, all of them or, if there is no memory
   * for the journal, none.
   */
  write(entries: readonly number[], counts: readonly number[]): boolean {
    const memory = this.#memory;
    const size = Math.max(3, Math.ceil(Math.log2(entries.length + 1) + 1));
    const block = memory.allocate(size);
    if (block === 0) return false;
    memory.counts[block + 1] = entries.length;
    for (let n = 0; n < entries.length; n++) {
      memory.counts[block + 2 + 2 * n] = entries[n] as number;
      memory.counts[block + 3 + 2 * n] = counts[n] as number;
    }
    memory.countChange();
    memory.journal = block; // from here on it will be done
    this.#perform(block);
    memory.journal = 0;
    memory.free(block, size);
    return true;
  }

  /** Does what another thread had written down when it died. Its block is lost until the next clear. */
  perform(owner: number): void {
    const block = this.#memory.takeJournalOf(owner);
    if (block !== 0) this.#perform(block);
  }

  #perform(block: number): void {
    const { counts } = this.#memory;
    const length = counts[block + 1] as number;
    for (let n = 0; n < length; n++)
      counts[counts[block + 2 + 2 * n] as number] = counts[block + 3 + 2 * n] as number;
  }
}

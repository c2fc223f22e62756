import type { Heap } from "./heap.ts";

// States of a slot. A positive one is the owner number of the thread that frees the slot's memory.
const FREE = 0;
const IN_USE = -1;

/** The states of all slots, one word each. Methods need no lock unless their comment says so. */
export class SetSlots {
  readonly slotCount: number;
  readonly #words: Int32Array;
  readonly #states: number;
  readonly #owner: number;

  /** `states` is the word of slot 0; `owner` is this thread's owner number. */
  constructor({ words }: Heap, states: number, slotCount: number, owner: number) {
    this.#words = words;
    this.#states = states;
    this.slotCount = slotCount;
    this.#owner = owner;
    Atomics.compareExchange(words, states, FREE, IN_USE); // slot 0 holds the first open set
  }

  /** Frees all slots except slot 0. The caller holds the locks of all shards. */
  reset(): void {
    this.#words.fill(FREE, this.#states, this.#states + this.slotCount);
    this.#words[this.#states] = IN_USE;
  }

  /** Returns a free slot, which is in use from now on, or -1. The caller holds the locks of all shards. */
  take(): number {
    const slot = this.#all().indexOf(FREE);
    if (slot !== -1) this.#words[this.#states + slot] = IN_USE;
    return slot;
  }

  /** Returns true if a slot is free. The caller holds the locks of all shards. */
  hasFree(): boolean {
    return this.#all().includes(FREE);
  }

  /** Charges this thread with freeing a slot's memory. */
  startFreeing(slot: number): void {
    Atomics.store(this.#words, this.#states + slot, this.#owner);
  }

  /** Returns true if this thread is to free a slot's memory. A clear ends that. */
  isFreeing(slot: number): boolean {
    return Atomics.load(this.#words, this.#states + slot) === this.#owner;
  }

  /** Makes a slot free: its memory has been freed. */
  endFreeing(slot: number): void {
    Atomics.compareExchange(this.#words, this.#states + slot, this.#owner, FREE);
  }

  /**
   * Charges this thread with the slots that the thread with owner number `owner` was to free, and returns
   * them.
   */
  takeOver(owner: number): number[] {
    const slots = Array.from({ length: this.slotCount }, (_, slot) => slot);
    return slots.filter(
      (slot) => Atomics.compareExchange(this.#words, this.#states + slot, owner, this.#owner) === owner,
    );
  }

  #all(): Int32Array {
    return this.#words.subarray(this.#states, this.#states + this.slotCount);
  }
}

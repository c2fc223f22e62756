import type { PackedId } from "./packed-id.ts";

/** Packed ids, kept to be used again: packing an id takes longer than all else that is done with it. */
export class PackedIdList {
  #words: Int32Array;
  #length = 0;

  /** `ids` is about the number of ids to come. */
  constructor(ids: number) {
    this.#words = new Int32Array(ids * 8 + 8);
  }

  /** Keeps an id, and returns its position. */
  push(id: PackedId): number {
    const at = this.#length;
    const end = at + 1 + id.length;
    if (end > this.#words.length) this.#grow(end);
    this.#words[at] = id.hash;
    id.copyTo(this.#words, at + 1);
    this.#length = end;
    return at;
  }

  /** Copies the id at position `at` into `id`. */
  load(at: number, id: PackedId): void {
    id.load(this.#words, at + 1, this.#words[at] as number);
  }

  #grow(length: number): void {
    const longer = new Int32Array(Math.max(length, this.#words.length * 2));
    longer.set(this.#words);
    this.#words = longer;
  }
}

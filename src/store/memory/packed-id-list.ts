import type { PackedId } from "./packed-id.ts";

/** Ids that are needed once more, kept as they are packed: to pack one takes longer than all else that is done with it. */
export class PackedIdList {
  #words: Int32Array;
  #length = 0;

  /** `ids` is how many there will be, more or less. */
  constructor(ids: number) {
    this.#words = new Int32Array(ids * 8 + 8);
  }

  /** Keeps an id, and gives where. */
  push(id: PackedId): number {
    const at = this.#length;
    const end = at + 1 + id.length;
    if (end > this.#words.length) this.#grow(end);
    this.#words[at] = id.hash;
    id.copyTo(this.#words, at + 1);
    this.#length = end;
    return at;
  }

  /** Sets `id` to the one that is kept there. */
  load(at: number, id: PackedId): void {
    id.load(this.#words, at + 1, this.#words[at] as number);
  }

  #grow(length: number): void {
    const longer = new Int32Array(Math.max(length, this.#words.length * 2));
    longer.set(this.#words);
    this.#words = longer;
  }
}

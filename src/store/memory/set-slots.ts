import { MAX_LABEL_LENGTH, type SealedFold } from "../count-store.ts";
import type { Heap } from "./heap.ts";
import { alignTo, layOut, NUMBER } from "./layout.ts";

// Sets are numbered, and no number is used again, even after a clear. Set n has slot n modulo the number of
// slots: here, and for its shards (shard-table.ts). A slot:
//
//   word 0            2                 4          5       6                             58
//     +---------------+-----------------+----------+-------+------------------------------+
//     | fold (number) | sealed (number) | freed by | songs | label: its length, and ASCII |
//     +---------------+-----------------+----------+-------+------------------------------+
//
//   freed by owner number of the thread that frees the memory of a dropped set; 0: none is to be freed
//   songs    of a fold: songs that no newer set has
//
// Times are in milliseconds since 1970.

const SLOT = layOut({
  fold: NUMBER,
  sealed: NUMBER,
  freedBy: 1,
  songs: 1,
  label: Math.ceil((1 + MAX_LABEL_LENGTH) / 4),
});
const { sealed: SEALED, songs: SONGS, label: LABEL } = SLOT;
export const FOLD: number = SLOT.fold;
export const FREED_BY: number = SLOT.freedBy;
export const SLOT_WORDS: number = alignTo(SLOT.end, 2);

/**
 * Slots beside those of a full ring, for dropped folds whose memory is being freed. Slots are taken in order,
 * so each fold has the time of this number of seals to be freed.
 */
const SPARE_SLOTS = 8;

/**
 * Slots of a store: for the open set, the folds that may be unacknowledged, the kept one, and dropped ones.
 */
export function slotsFor(maxFolds: number): number {
  return maxFolds + 2 + SPARE_SLOTS;
}

/** The slots of sets, in a ring. A set is known by its number. */
export class SetSlots {
  readonly slotCount: number;
  protected readonly words: Int32Array;
  protected readonly numbers: Float64Array;
  readonly #bytes: Uint8Array;
  readonly #first: number;

  /** `first` is the first word of slot 0, an even number. */
  constructor(heap: Heap, first: number, slotCount: number) {
    this.words = heap.words;
    this.numbers = heap.numbers;
    this.#bytes = new Uint8Array(heap.words.buffer);
    this.#first = first;
    this.slotCount = slotCount;
  }

  /** Returns the slot of a set. */
  slotOf(set: number): number {
    return set % this.slotCount;
  }

  /** Returns a fold with its label and time. */
  sealedFold(set: number): SealedFold {
    const at = this.slot(set);
    const label = (at + LABEL) * 4;
    const characters = this.#bytes.subarray(label + 1, label + 1 + (this.#bytes[label] as number));
    return {
      fold: this.numbers[(at + FOLD) >> 1] as number,
      label: String.fromCharCode(...characters),
      sealedAt: this.numbers[(at + SEALED) >> 1] || undefined,
    };
  }

  /** Returns the songs of a fold that no newer set has. */
  songsOf(set: number): number {
    return Atomics.load(this.words, this.slot(set) + SONGS);
  }

  /** Notes that a newer set has a song of a fold. The lock of its shard suffices. */
  loseSong(set: number): void {
    Atomics.sub(this.words, this.slot(set) + SONGS, 1);
  }

  /** Writes a fold into the slot of its set. `songs`: those that no newer set has. */
  protected write(set: number, { fold, label, sealedAt = 0 }: SealedFold, songs: number): void {
    const at = this.slot(set);
    this.words[at + SONGS] = songs;
    this.#bytes.set([label.length, ...Array.from(label, (c) => c.charCodeAt(0))], (at + LABEL) * 4);
    this.numbers[(at + FOLD) >> 1] = fold;
    this.numbers[(at + SEALED) >> 1] = sealedAt;
  }

  /** Returns the first word of a set's slot. */
  protected slot(set: number): number {
    return this.#first + this.slotOf(set) * SLOT_WORDS;
  }
}

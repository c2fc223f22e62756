import type { SealedFold } from "../count-store.ts";
import { Refusal } from "../refusal.ts";
import type { Heap } from "./heap.ts";
import { layOut, NUMBER } from "./layout.ts";
import { FOLD, FREED_BY, SetSlots, slotsFor, SLOT_WORDS } from "./set-slots.ts";

// The ring, in words:
//
//   word 0         1      2              4         6              8
//     +---------+------+----------+----+---------+--------------+--------+--------+- - -+--------+
//     | counted | open | clearing |    | dropped | acknowledged | slot 0 | slot 1 |     |        |
//     +---------+------+----------+----+---------+--------------+--------+--------+- - -+--------+
//
//   counted  the oldest set that is not acknowledged. The set before it is the acknowledged fold that is
//            kept: at first, and after a clear, fold 0, which has no songs
//   open     the newest set: the open one, in which plays are counted. The others are folds
//   clearing 1 while all sets are cleared
//   dropped  newest fold that was dropped (number: a 64-bit float, in two words)
//   acknowledged  time of the last acknowledgement (number)
//
// A set has a slot: set-slots.ts. Times are in milliseconds since 1970.
// A seal takes effect with the write of `open`, an acknowledgement with that of `dropped` or, if it drops no
// fold, of `counted`.

const {
  counted: COUNTED,
  open: OPEN,
  clearing: CLEARING,
  dropped: DROPPED,
  acknowledged: ACKNOWLEDGED,
  end: SLOTS,
} = layOut({ counted: 1, open: 1, clearing: 1, dropped: NUMBER, acknowledged: NUMBER });

/**
 * The sets of a store, oldest first: the acknowledged fold that is kept, the folds that are not acknowledged,
 * and the open set. A set is known by its number.
 *
 * A thread reads the ring while it holds the lock of any shard, and changes it while it holds all of them.
 */
export class FoldRing extends SetSlots {
  readonly #at: number;
  readonly #owner: number;

  /** `at` is the first word, a multiple of 8. `owner` is this thread's owner number. */
  constructor(heap: Heap, at: number, maxFolds: number, owner: number) {
    super(heap, at + SLOTS, slotsFor(maxFolds));
    this.#at = at;
    this.#owner = owner;
    Atomics.compareExchange(this.words, at + OPEN, 0, 1);
    Atomics.compareExchange(this.words, at + COUNTED, 0, 1);
  }

  /** Returns the words of a ring. */
  static wordsFor(maxFolds: number): number {
    return SLOTS + slotsFor(maxFolds) * SLOT_WORDS;
  }

  /** The open set. */
  get open(): number {
    return this.words[this.#at + OPEN] as number;
  }

  /** The oldest set that is not acknowledged. */
  get firstCounted(): number {
    return this.words[this.#at + COUNTED] as number;
  }

  /** The acknowledged fold that is kept: the oldest set. */
  get kept(): number {
    return this.firstCounted - 1;
  }

  /** Number of sets. */
  get length(): number {
    return this.open - this.kept + 1;
  }

  /** Number of folds that are not acknowledged. */
  get unacknowledged(): number {
    return this.open - this.firstCounted;
  }

  /** The newest fold; 0 if none. Needs no lock: `open` is written after the fold that it follows. */
  get newest(): number {
    return this.numbers[(this.slot(this.open - 1) + FOLD) >> 1] as number;
  }

  /** The newest fold that was dropped; 0 if none. */
  get dropped(): number {
    return this.numbers[(this.#at + DROPPED) >> 1] as number;
  }

  /** When the last fold was acknowledged, in milliseconds since 1970; 0 if none was. */
  get acknowledgedAt(): number {
    return this.numbers[(this.#at + ACKNOWLEDGED) >> 1] as number;
  }

  /** Differs after every change of the ring: neither number ever decreases. */
  get stamp(): number {
    return this.firstCounted + this.open;
  }

  /** True while a thread is between `true` and {@linkcode reset}, or has died there. */
  get isClearing(): boolean {
    return this.words[this.#at + CLEARING] === 1;
  }

  set isClearing(isClearing: boolean) {
    this.words[this.#at + CLEARING] = Number(isClearing);
  }

  /** Returns the fold that a set is; Infinity for the open set, which is newer than every fold. */
  foldOf(set: number): number {
    return set === this.open ? Infinity : (this.numbers[(this.slot(set) + FOLD) >> 1] as number);
  }

  /** Returns the set that is a fold, or -1. */
  find(fold: number): number {
    for (let set = this.kept; set < this.open; set++) if (this.foldOf(set) === fold) return set;
    return -1;
  }

  /** Returns the set that is a fold. @throws {Refusal} `unknown fold`, or `gone` if it was dropped. */
  setOf(fold: number): number {
    const set = this.find(fold);
    if (set !== -1) return set;
    throw fold <= this.dropped ? Refusal.dropped(this.dropped) : Refusal.unknownFold(fold);
  }

  /** Returns the oldest set that counts with `after`. @throws {Refusal} `gone` if one was dropped. */
  firstAfter(after: number | undefined): number {
    if (after === undefined) return this.firstCounted;
    if (after < this.dropped) throw Refusal.dropped(this.dropped);
    let set = this.kept;
    while (this.foldOf(set) <= after) set++;
    return set;
  }

  /** True if the slot of the next set is free. */
  get hasRoom(): boolean {
    return this.words[this.slot(this.open + 1) + FREED_BY] === 0;
  }

  /** Makes the open set a fold, and opens the next one. `songs`: those that are counted. */
  seal(sealed: SealedFold, songs: number): void {
    const { open } = this;
    let own = songs;
    for (let set = this.firstCounted; set < open; set++) own -= this.songsOf(set);
    this.write(open, sealed, own);
    this.words[this.#at + OPEN] = open + 1;
  }

  /**
   * Acknowledges the oldest fold that is not acknowledged, and keeps it. Drops the one that was kept before:
   * returns its set, whose memory this thread is to free.
   */
  acknowledge(now: number): number {
    const { kept } = this;
    this.numbers[(this.#at + ACKNOWLEDGED) >> 1] = now;
    this.numbers[(this.#at + DROPPED) >> 1] = this.foldOf(kept);
    this.#dropKept(this.#owner);
    return kept;
  }

  /** Completes the acknowledgement of a thread that has died after it wrote `dropped`. */
  completeAcknowledgement(owner: number): void {
    if (this.dropped > 0 && this.dropped === this.foldOf(this.kept)) this.#dropKept(owner);
  }

  /** Drops the fold that is kept, and keeps the next one. The thread with owner number `owner` frees it. */
  #dropKept(owner: number): void {
    const { kept } = this;
    this.words[this.slot(kept) + FREED_BY] = owner;
    this.words[this.#at + COUNTED] = kept + 2;
  }

  /** Returns true if this thread is to free the memory of a dropped set. A clear ends that. Needs no lock. */
  isFreeing(set: number): boolean {
    const isInSlot = set > this.open - this.slotCount;
    return isInSlot && Atomics.load(this.words, this.slot(set) + FREED_BY) === this.#owner;
  }

  /** Makes the slot of a dropped set free: its memory has been freed. Needs no lock. */
  endFreeing(set: number): void {
    Atomics.compareExchange(this.words, this.slot(set) + FREED_BY, this.#owner, 0);
  }

  /**
   * Charges this thread with the sets that the thread with owner number `owner` was to free, and returns
   * them. Needs no lock.
   */
  takeOver(owner: number): number[] {
    const taken: number[] = [];
    for (let set = Math.max(0, this.open - this.slotCount + 1); set < this.kept; set++) {
      const at = this.slot(set) + FREED_BY;
      if (Atomics.compareExchange(this.words, at, owner, this.#owner) === owner) taken.push(set);
    }
    return taken;
  }

  /** Leaves only an open set, and fold 0. */
  reset(): void {
    const open = this.open + 1;
    this.words.fill(0, this.#at + DROPPED, this.#at + SLOTS + this.slotCount * SLOT_WORDS);
    this.words[this.#at + OPEN] = open;
    this.words[this.#at + COUNTED] = open;
  }
}

import { MAX_COUNT } from "./count-store.ts";

/** Why a store refuses. */
export type RefusalReason =
  | "overflow"
  | "full"
  | "too long"
  | "unknown fold"
  | "out of order"
  | "too many folds"
  | "gone"
  | "stale key"
  | "key reused"
  | "unavailable";

/** Something that a store refused; nothing has changed. */
export class Refusal extends Error {
  readonly reason: RefusalReason;

  constructor(reason: RefusalReason, message: string) {
    super(message);
    this.name = "Refusal";
    this.reason = reason;
  }

  static overflow(count: number, plays: number): Refusal {
    return new Refusal("overflow", `Adding ${plays} to ${count} would pass ${MAX_COUNT}`);
  }

  static full(maxSongs: number): Refusal {
    return new Refusal("full", `There is room for ${maxSongs} songs`);
  }

  static unknownFold(fold: number): Refusal {
    return new Refusal("unknown fold", `Fold ${fold} was never sealed`);
  }

  /** `newest` is the newest fold that was dropped. */
  static dropped(newest: number): Refusal {
    return new Refusal("gone", `Fold ${newest} and older ones are acknowledged and dropped`);
  }

  static belowNewest(fold: number, newest: number): Refusal {
    return new Refusal("out of order", `Fold ${fold} must be above ${newest}, the newest`);
  }

  static olderFirst(fold: number, oldest: number): Refusal {
    return new Refusal("out of order", `Fold ${oldest} must be acknowledged before fold ${fold}`);
  }

  static tooManyFolds(maxFolds: number): Refusal {
    return new Refusal("too many folds", `At most ${maxFolds} folds may be unacknowledged`);
  }

  static staleKey(seq: number, newest: number): Refusal {
    return new Refusal("stale key", `This writer has sent request ${newest} after request ${seq}`);
  }

  static keyReused(seq: number): Refusal {
    return new Refusal("key reused", `This writer's request ${seq} was another one`);
  }

  /** For now: what keeps the counts cannot be written. */
  static unavailable(message: string): Refusal {
    return new Refusal("unavailable", message);
  }

  static noMemory(): Refusal {
    return new Refusal("full", "There is no memory for a new song");
  }

  static tooLong(maxIdBytes: number): Refusal {
    return new Refusal("too long", `The id is longer than ${maxIdBytes} bytes of UTF-8`);
  }
}

/** It is not known whether something was done. */
export class UnknownOutcome extends Error {
  constructor() {
    super("It is not known whether this was counted");
    this.name = "UnknownOutcome";
  }
}

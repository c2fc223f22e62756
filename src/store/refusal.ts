import { quoted } from "../error-message.ts";
import { MAX_COUNT } from "./count-store.ts";

/** Reason of a refusal. */
export type RefusalReason =
  | "overflow"
  | "full"
  | "too long"
  | "unknown fold"
  | "out of order"
  | "too many folds"
  | "other label"
  | "gone"
  | "stale key"
  | "key reused"
  | "unavailable"
  | "unsupported";

/**
 * A request that cannot be counted or read; nothing has changed.
 *
 * @example
 * ```ts
 * import { type Refusal, ShardedStore } from "playcount";
 *
 * try {
 *   new ShardedStore({ maxSongs: 0 }).add("42", 1);
 * } catch (error) {
 *   (error as Refusal).reason; // "full"
 * }
 * ```
 */
export class Refusal extends Error {
  /** Reason of the refusal; the status of the answer follows from it. */
  readonly reason: RefusalReason;
  /** The numbers of the message, for programs: they become members of the problem (see docs/problems.md). */
  readonly members: Readonly<Record<string, number>>;

  /** Makes a refusal. `message` is the detail of the problem that the client receives. */
  constructor(reason: RefusalReason, message: string, members: Readonly<Record<string, number>> = {}) {
    super(message);
    this.name = "Refusal";
    this.reason = reason;
    this.members = members;
  }

  /** `kept`: plays in the acknowledged fold that is kept, with which counts are exact for `after`. */
  static overflow(count: number, plays: number, kept = 0): Refusal {
    const isKept = kept > 0 ? ` with the ${kept} plays of the acknowledged fold that is kept` : "";
    const message = `Adding ${plays} to ${count} would exceed ${MAX_COUNT}${isKept}`;
    return new Refusal("overflow", message, { count, plays, ...(kept > 0 && { kept }) });
  }

  /** Refuses a new song, because the store has `maxSongs` songs. */
  static full(maxSongs: number): Refusal {
    const songs = maxSongs === 1 ? "song" : "songs";
    return new Refusal("full", `The limit of ${maxSongs} ${songs} is reached`, { maxSongs });
  }

  /** Refuses a conditional clear in a store that several servers share. */
  static unsupported(): Refusal {
    return new Refusal(
      "unsupported",
      "Counts in Redis cannot be cleared on a condition: hand them over with PUT /folds/{n} instead, which loses no play",
    );
  }

  /** Refuses a new song, because the memory of the store is used up. */
  static noMemory(): Refusal {
    return new Refusal("full", "The memory for songs is used up");
  }

  /** Refuses an id of more than `maxIdBytes` bytes. `id`: one of several. */
  static tooLong(maxIdBytes: number, id?: string): Refusal {
    const name = id === undefined ? "" : ` ${quoted(id)}`;
    return new Refusal("too long", `The id${name} is longer than ${maxIdBytes} bytes of UTF-8`, {
      maxIdBytes,
    });
  }

  /** Refuses to read or acknowledge a fold that was never sealed. */
  static unknownFold(fold: number): Refusal {
    return new Refusal("unknown fold", `Fold ${fold} was never sealed`, { fold });
  }

  /** Refuses a fold that is dropped, as all up to `newestDropped` are. */
  static dropped(newestDropped: number): Refusal {
    const message = `Fold ${newestDropped} and all older folds are acknowledged and dropped`;
    return new Refusal("gone", message, { newestDropped });
  }

  /** Refuses to seal `fold`, because it is not above `newestFold`. */
  static belowNewest(fold: number, newestFold: number): Refusal {
    const message = `Fold ${fold} must be above ${newestFold}, the newest`;
    return new Refusal("out of order", message, { fold, newestFold });
  }

  /** Refuses to acknowledge `fold` before `oldestFold`. */
  static olderFirst(fold: number, oldestFold: number): Refusal {
    const message = `Fold ${oldestFold} must be acknowledged before fold ${fold}`;
    return new Refusal("out of order", message, { fold, oldestFold });
  }

  /** Refuses to seal, because `maxFolds` folds are not acknowledged. */
  static tooManyFolds(maxFolds: number): Refusal {
    const folds = maxFolds === 1 ? "fold" : "folds";
    return new Refusal("too many folds", `At most ${maxFolds} ${folds} may be unacknowledged`, { maxFolds });
  }

  /** Refuses to seal or acknowledge `fold`, which has the label of another job. */
  static otherLabel(fold: number, label: string): Refusal {
    const found = label === "" ? "no label" : `the label ${JSON.stringify(label)}`;
    return new Refusal("other label", `Fold ${fold} has ${found}: it is of another job`, { fold });
  }

  /** Refuses request `seq` of a writer whose last request was `newestSeq`, a higher one. */
  static staleKey(seq: number, newestSeq: number): Refusal {
    const message = `This writer has already sent request ${newestSeq}, which is newer than request ${seq}`;
    return new Refusal("stale key", message, { seq, newestSeq });
  }

  /** Refuses a request that has the key of an earlier one and differs from it. */
  static keyReused(seq: number): Refusal {
    return new Refusal("key reused", `This writer has already sent a different request ${seq}`, { seq });
  }

  /** Makes the refusal of a store that cannot be read or written at the moment. */
  static unavailable(message: string): Refusal {
    return new Refusal("unavailable", message);
  }
}

/** A write that may have been done or not. */
export class UnknownOutcome extends Error {
  constructor() {
    super("The request may have been counted or not");
    this.name = "UnknownOutcome";
  }
}

import type { FoldRows } from "./rows.ts";

/** A target's record of its folds. */
export interface FoldState {
  /** The last fold that is stored as a whole; 0 if none, or if the target does not know. */
  fold: number;
  /** The number that was written down before any server sealed it; `undefined` between two folds. */
  sealed: number | undefined;
  /** True if a song of `sealed` may be stored. A server that has lost the fold must not seal it again. */
  isBegun: boolean;
}

/** A fold that is to be stored. */
export interface FoldToStore {
  fold: number;
  /** When it was sealed, in milliseconds since 1970. */
  sealedAt: number;
  rows: FoldRows;
  /** Called with the number of songs of the fold that are stored. */
  onProgress: (storedSongs: number) => void;
}

/** Songs that a target could not add to a row. */
export interface SetAside {
  /** Number of the songs. */
  songs: number;
  /** Sum of their plays. */
  plays: number;
  /** The first ones. */
  examples: string[];
  /** True if a song was set aside that had never been before. */
  isNew: boolean;
}

/** Returns the sum of no songs. */
export function nothing(): SetAside {
  return { songs: 0, plays: 0, examples: [], isNew: false };
}

/** Adds songs that were set aside to others. */
export function merge(all: SetAside, more: SetAside): void {
  all.songs += more.songs;
  all.plays += more.plays;
  all.examples.push(...more.examples.slice(0, 3 - all.examples.length));
  all.isNew ||= more.isNew;
}

/** Most characters of a label. */
export const MAX_LABEL_LENGTH = 200;

/** Returns a text as a label of folds: at most {@linkcode MAX_LABEL_LENGTH} printable characters of ASCII. */
export function labelOf(text: string): string {
  return text
    .replace(/[^ -~]/g, "?")
    .slice(0, MAX_LABEL_LENGTH)
    .trimEnd();
}

/** A server of the job, with its folds that are not acknowledged. */
export interface ServerFolds {
  server: string;
  /** The newest sealed fold; 0 if none. */
  newest: number;
  folds: readonly { fold: number; label: string; sealedAt: number | undefined }[];
}

/** A database, a list of servers or a program that stores folds. */
export interface Target {
  /** The label of its folds, which says whose they are. */
  readonly label: string;
  /** True if the target records which folds it has. Otherwise the servers' open folds tell. */
  readonly keepsState: boolean;
  /** A few words on what was done with songs that were set aside. */
  readonly unknownWords: string;
  /** Checks that folds can be stored. A trial makes no tables. @throws {RangeError} for wrong settings. */
  prepare(isTrial: boolean): Promise<void>;
  /** Reads the state; `undefined` if the target has none. Called after the servers were read. */
  state(servers: readonly ServerFolds[]): Promise<FoldState | undefined>;
  /** Begins with `fold` as the last one stored. */
  create(fold: number): Promise<void>;
  /** Writes down which fold comes next. @throws {OtherJob} if the state has changed. */
  intend(state: FoldState, fold: number): Promise<void>;
  /** Stores a fold that is intended. @throws {OtherJob} */
  store(fold: FoldToStore): Promise<SetAside>;
  /** Makes rows for a fold, sorted as the target stores them. Called after `prepare`. */
  rows(): FoldRows;
  /** Does everything that `store` does, and undoes it. */
  tryOut(fold: FoldToStore): Promise<SetAside>;
  close(): Promise<void>;
}

/** The job cannot go on until the operator has decided something. */
export class JobRefusal extends Error {
  /** Tells this error from others. */
  override readonly name = "JobRefusal";
}

/** Another job is at work on the same table. */
export class OtherJob extends Error {
  /** Tells this error from others. */
  override readonly name = "OtherJob";

  constructor() {
    super("another job is at work on this table");
  }
}

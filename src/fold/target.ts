import type { FoldSongs } from "./songs.ts";

/** A target's record of its folds. */
export interface FoldState {
  /** The last fold that is stored as a whole; 0 if none, or if the target does not know. */
  fold: number;
  /** The number that was written down before any server sealed it; `undefined` between two folds. */
  intended: number | undefined;
  /**
   * Once a song of `intended` may be stored: the last id that is, in the order of ids; empty if that is not
   * known. A server that has lost the fold must not seal it again.
   */
  upto: string | undefined;
  /** The servers that `intended` was written down for. Each of them may have it. */
  servers?: string | undefined;
}

/** A fold that is to be stored. */
export interface FoldToStore {
  fold: number;
  /** When it was sealed, in milliseconds since 1970. */
  sealedAt: number;
  songs: FoldSongs;
  /** Receives the songs that could not be added to a row. */
  setAside: SetAside;
  /** Called before each step with the number of songs of the fold that are stored. */
  onProgress: (storedSongs: number) => void;
}

/** Sum of the songs that a target could not add to a row. */
export class SetAside {
  /** Number of the songs. */
  songs = 0;
  /** Sum of their plays. */
  plays = 0;
  /** Number of those that are kept in `playcount_unknown`. The others are dropped. */
  kept = 0;
  /** The first ones. */
  readonly examples: string[] = [];
  /** True if a song was set aside that had never been before, or dropped. */
  isNew = false;

  /** Adds songs, of which `kept` are kept, and tells whether one of these had never been before. */
  add(
    songs: readonly (readonly [id: string, plays: number])[],
    kept: number = 0,
    isNew: boolean = false,
  ): void {
    this.songs += songs.length;
    this.kept += kept;
    for (const [, plays] of songs) this.plays += plays;
    this.examples.push(...songs.slice(0, 3 - this.examples.length).map(([id]) => id));
    this.isNew ||= isNew || kept < songs.length;
  }
}

/** A server of the job, with its folds that are not acknowledged. */
export interface ServerFolds {
  server: string;
  /** The newest sealed fold; 0 if none. */
  newest: number;
  folds: readonly OpenFold[];
}

/** A fold that is not acknowledged. */
export interface OpenFold {
  fold: number;
  label: string;
  /** When it was sealed, in milliseconds since 1970; `undefined` if the server does not say so. */
  sealedAt: number | undefined;
}

/**
 * A database, a list of servers or a program that stores folds.
 *
 * A target without the method `state` records nothing. A fold with its label that is not acknowledged may be
 * stored, in part or as a whole, and is stored again.
 */
export interface Target {
  /** The label of its folds, which says whose they are. */
  readonly label: string;
  /** True to refuse servers whose last fold another job has handed over, if no state tells. */
  readonly isAlone?: boolean;
  /** Most bytes of an id that it can store. Default: no limit. */
  readonly maxIdBytes?: number | undefined;
  /** Checks that folds can be stored. A trial makes no tables. @throws {RangeError} for wrong settings. */
  prepare?(isTrial: boolean): Promise<void>;
  /** Reads the state; `undefined` if the target has none. Called after the servers were read. */
  state?(): Promise<FoldState | undefined>;
  /** Returns the name of another job that records a fold as its own. */
  jobOf?(fold: number): Promise<string | undefined>;
  /** Begins with `fold` as the last one stored. */
  create?(fold: number): Promise<void>;
  /** Writes down which fold of which servers comes next. @throws {OtherJob} if the state has changed. */
  intend?(state: FoldState, fold: number, servers: string): Promise<void>;
  /** Stores a fold that is intended. @throws {OtherJob} */
  store(fold: FoldToStore): Promise<void>;
  /** Does everything that `store` does, and undoes it. */
  tryOut?(fold: FoldToStore): Promise<void>;
  close?(): Promise<void>;
}

/** The job cannot go on until the operator has decided something. */
export class JobRefusal extends Error {
  /** Tells this error from others. */
  override readonly name = "JobRefusal";
}

/** A fold was stored in part, and the rest cannot be. */
export class BrokenFold extends JobRefusal {}

/** Another job is at work on the same table. */
export class OtherJob extends Error {
  /** Tells this error from others. */
  override readonly name = "OtherJob";

  constructor() {
    super("another job is at work on this table");
  }
}

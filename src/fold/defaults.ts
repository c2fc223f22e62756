/** Uses of plays of songs without a row: keep them in a table of their own, insert rows, or drop them. */
export type UnknownPolicy = "keep" | "insert" | "drop";

export const UNKNOWN_POLICIES: readonly UnknownPolicy[] = ["keep", "insert", "drop"];

/** Settings of a job that are not given. */
export const FOLD_DEFAULTS = {
  table: "song",
  id: "id",
  plays: "plays",
  unknown: "keep",
  partSongs: 10_000,
  lockSeconds: 10,
  timeoutSeconds: 600,
} as const;

/** Most songs in one transaction. */
export const MAX_PART_SONGS = 1_000_000;

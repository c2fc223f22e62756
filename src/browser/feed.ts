/** Shows the count of a song when it changes. */
export interface Watcher {
  readonly isLive: boolean;
  /** Seconds between two polls. */
  readonly refreshSeconds: number;
  show(): void;
  /** Called when the server no longer has the folds up to `after`. */
  outdate(): void;
}

/** Keeps the counts of the songs that are watched. */
export interface Feed {
  /** Returns the count of a song; `undefined` until it is known. */
  countOf(song: string): number | undefined;
  add(song: string, watcher: Watcher): void;
  remove(song: string, watcher: Watcher): void;
  /** Takes the count that a play was answered with. */
  played(song: string, count: number): void;
}

import type { JobProgress } from "../../fold/job.ts";

/** Output of a {@linkcode Report}. */
export interface Screen {
  isTTY?: boolean;
  /** Characters in a line of a terminal; 0 if unknown. */
  columns?: number;
  write(text: string): unknown;
}

/** Minimum time between two updates of a terminal's line. */
const PAUSE_MS = 100;

/** Goes to the beginning of a terminal's line, and erases it. */
const ERASE = "\r\x1b[K";

/** Reports the progress of a fold on a terminal, in one line that it updates. A log has no progress. */
export class Report {
  readonly #screen: Screen;
  readonly #now: () => number;
  #writtenAt = -Infinity;
  #isShown = false;
  #begun = { fold: 0, at: 0, storedSongs: 0 };

  /** `now` returns the time in milliseconds. */
  constructor(screen: Screen, now: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#now = now;
  }

  /** Reports progress, unless the last report was a moment ago. */
  update(progress: JobProgress): void {
    const { fold, storedSongs } = progress;
    const now = this.#now();
    if (this.#begun.fold !== fold) this.#begun = { fold, at: now, storedSongs };
    if (this.#screen.isTTY !== true || now - this.#writtenAt < PAUSE_MS) return;
    this.#writtenAt = now;
    const seconds = Math.max(0.001, (now - this.#begun.at) / 1000);
    const line = lineOf(progress, Math.round((storedSongs - this.#begun.storedSongs) / seconds));
    const columns = this.#screen.columns || Infinity; // only the last row of a line can be erased
    this.#screen.write(ERASE + line.slice(0, columns - 1));
    this.#isShown = true;
  }

  /** Writes a line that stays. */
  note(line: string): void {
    this.end();
    this.#screen.write(`${line}\n`);
  }

  /** Erases the terminal's line. */
  end(): void {
    if (this.#isShown) this.#screen.write(ERASE);
    this.#isShown = false;
  }
}

function lineOf({ fold, storedSongs, songs }: JobProgress, songsASecond: number): string {
  return `fold ${fold}: stored ${amount(storedSongs)} of ${amount(songs, "song")}, ${amount(songsASecond, "song")}/s`;
}

/** Writes a number with commas, and the plural of `what` if it is not 1. */
export function amount(number: number, what?: string): string {
  const digits = number.toLocaleString("en-US");
  return what === undefined ? digits : `${digits} ${what}${number === 1 ? "" : "s"}`;
}

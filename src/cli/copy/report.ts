import type { MoveProgress } from "../../client/rebalance.ts";

/** Where lines are written to. */
export interface Screen {
  isTTY?: boolean;
  /** Of a terminal, how many characters a line has. */
  columns?: number;
  write(text: string): unknown;
}

/** Milliseconds between two lines; on a terminal, where one takes the place of the other, fewer. */
const BETWEEN_LINES = 10_000;
const BETWEEN_GLANCES = 100;

/** Goes to the beginning of a terminal's line, and erases it. */
const ERASE = "\r\x1b[K";

/**
 * Tells how far a move has got: in one line that changes on a terminal, or else now and then in another one.
 */
export class Report {
  readonly #screen: Screen;
  readonly #now: () => number;
  #toldAt: number | undefined;
  #isShown = false;
  #begun = { fold: 0, at: 0, movedSongs: 0 };

  /** `now` gives milliseconds. */
  constructor(screen: Screen, now: () => number = () => performance.now()) {
    this.#screen = screen;
    this.#now = now;
    if (screen.isTTY !== true) this.#toldAt = now(); // what takes no longer than this has a summary, and no more
  }

  tell(progress: MoveProgress): void {
    const { fold, movedSongs } = progress;
    const now = this.#now();
    if (this.#begun.fold !== fold) this.#begun = { fold, at: now, movedSongs };
    const isTerminal = this.#screen.isTTY === true;
    const pause = isTerminal ? BETWEEN_GLANCES : BETWEEN_LINES;
    if (this.#toldAt !== undefined && now - this.#toldAt < pause) return;
    this.#toldAt = now;
    const seconds = Math.max(0.001, (now - this.#begun.at) / 1000);
    const line = lineOf(progress, Math.round((movedSongs - this.#begun.movedSongs) / seconds));
    // A line that goes on in the next row could not be erased.
    const columns = this.#screen.columns || Infinity; // 0 is of one that does not know
    this.#screen.write(isTerminal ? ERASE + line.slice(0, columns - 1) : `${line}\n`);
    this.#isShown = isTerminal;
  }

  /** Leaves the line to others. */
  end(): void {
    if (this.#isShown) this.#screen.write(ERASE);
    this.#isShown = false;
  }
}

function lineOf({ server, movedPlays, plays }: MoveProgress, songsASecond: number): string {
  return `${server}: moved ${inWords(movedPlays)} of ${inWords(plays, "play")}, ${inWords(songsASecond, "song")}/s`;
}

/** A number with commas, whatever the language of this machine, and so many of what. */
export function inWords(number: number, what?: string): string {
  const digits = number.toLocaleString("en-US");
  return what === undefined ? digits : `${digits} ${what}${number === 1 ? "" : "s"}`;
}

import { cpSync, existsSync, rmSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import type { Flaw } from "./torture.ts";

/** The files of a folder that spoil something when they are not as they were. */
const LOG = "playcount.db-wal";
const MARK = "last-commit";

/** A copy that is made behind the third start, and put back behind the fifth one. */
const [COPIED, RESTORED] = [3, 5];

const LOST = /: \d+ plays; .*: \d+ lost\n|: the folds are .*; they were /;
const OTHER_FOLDS = /: the folds are .*; they were |fold \d+ was .*, and is now /;
const NOTICED = /it does not start: .*(?:damaged|old copy)/;
const DOUBLED = /: \d+ plays; .*: \d+ too many\n/;

/** What must not go unnoticed, and what has to be said of it. */
export const FLAWS: Readonly<Record<string, [Flaw, wanted: RegExp]>> = {
  "a program that keeps nothing": [{ inMemory: true }, LOST],

  "a program that answers before it writes: all that is in the log is gone": [
    {
      spoil: (folder) => {
        rmSync(join(folder, LOG), { force: true });
        rmSync(join(folder, MARK), { force: true });
      },
    },
    LOST,
  ],

  "a program that loses the last commits": [
    {
      spoil: (folder) => {
        const log = join(folder, LOG);
        // Behind what was written since the last checkpoint there may be what was written before.
        if (existsSync(log)) truncateSync(log, Math.floor(statSync(log).size * 0.1));
        rmSync(join(folder, MARK), { force: true });
      },
    },
    // It sees itself what is behind a commit that is missing.
    new RegExp(`${LOST.source}|${NOTICED.source}`),
  ],

  // What is said first depends on whether the plays that are gone had been handed over, or sealed, since the
  // copy.
  "a folder that is an old copy of itself": [
    { spoil: restore },
    new RegExp(`${LOST.source}|${OTHER_FOLDS.source}`),
  ],
  "folds that are not what they were": [{ spoil: restore }, OTHER_FOLDS],

  "a log that is gone, while the other files say what was in it": [
    { spoil: (folder) => rmSync(join(folder, LOG), { force: true }) },
    NOTICED,
  ],

  "clients that send again without a key": [{ again: "without a key" }, DOUBLED],
  "clients that send again under another key": [{ again: "under another key" }, DOUBLED],
};

function restore(folder: string, round: number): void {
  const copy = `${folder}-copy`;
  if (round !== COPIED && round !== RESTORED) return;
  const [from, to] = round === COPIED ? [folder, copy] : [copy, folder];
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
}

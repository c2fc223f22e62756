import { cpSync, existsSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Flaw } from "./torture.ts";

/** The files whose loss is tested. */
const LOG = "playcount.db-wal";
const RECORD = "last-commit";

/** Rounds after which the folder is copied, and replaced by the copy. */
const [COPIED, RESTORED] = [3, 5];

const LOST = /: \d+ plays; .*: \d+ lost\n|: the folds are .*; they were /;
const OTHER_FOLDS = /: the folds are .*; they were |fold \d+ was .*, and is now /;
const DETECTED = /it does not start: .*(?:damaged|malformed|old copy)/;
const DOUBLED = /: \d+ plays; .*: \d+ too many\n/;

/** Flaws that the test must detect, and the wanted finding. */
export const FLAWS: Readonly<Record<string, [Flaw, wanted: RegExp]>> = {
  "a program that keeps nothing on disk": [{ inMemory: true }, LOST],

  "a program that replies before it writes: the log is lost": [
    {
      spoil: (folder) => {
        rmSync(join(folder, LOG), { force: true });
        writeFileSync(join(folder, RECORD), "0");
      },
    },
    LOST,
  ],

  "a program that loses the last commits": [
    {
      spoil: (folder) => {
        const log = join(folder, LOG);
        // The log may end with older frames from before the last checkpoint.
        if (existsSync(log)) truncateSync(log, Math.floor(statSync(log).size * 0.1));
        writeFileSync(join(folder, RECORD), "0");
      },
    },
    // The program itself detects commits that follow a missing one.
    new RegExp(`${LOST.source}|${DETECTED.source}`),
  ],

  // The first finding depends on what was sealed or handed over since the copy.
  "a folder replaced by an old copy": [
    { spoil: restore },
    new RegExp(`${LOST.source}|${OTHER_FOLDS.source}`),
  ],
  "folds that have changed": [{ spoil: restore }, OTHER_FOLDS],

  "a lost log, while the other files tell its last commit": [
    { spoil: (folder) => rmSync(join(folder, LOG), { force: true }) },
    DETECTED,
  ],

  "a lost log, and no file that tells the last commit": [
    {
      spoil: (folder) => {
        rmSync(join(folder, LOG), { force: true });
        rmSync(join(folder, RECORD), { force: true });
      },
    },
    DETECTED,
  ],

  "clients that retry without a key": [{ again: "without a key" }, DOUBLED],
  "clients that retry with another key": [{ again: "under another key" }, DOUBLED],
};

function restore(folder: string, round: number): void {
  const copy = `${folder}-copy`;
  if (round !== COPIED && round !== RESTORED) return;
  const [from, to] = round === COPIED ? [folder, copy] : [copy, folder];
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { labelOf } from "../../fold/label.ts";
import type { FoldSongs } from "../../fold/songs.ts";
import type { FoldToStore, Target } from "../../fold/target.ts";

/** Songs that are written to the file at a time. */
const STEP_SONGS = 1000;

/**
 * Passes folds to a command: a line of JSON for each song on its standard input, and the number in
 * `PLAYCOUNT_FOLD`. The fold is stored when the command exits with 0.
 *
 * The input is a file that was written to its end, so the command gets all songs whenever the job dies. The
 * command may live longer than a killed job, and gets the fold again, so it has to recognize the number. A
 * signal to the job alone does not end the command: its status says if the fold is stored.
 */
export class CommandTarget implements Target {
  readonly label: string;
  readonly isAlone = true;
  readonly #command: string;

  constructor(command: string, name: string) {
    this.label = labelOf("by command", name);
    this.#command = command;
  }

  async store({ fold, songs, onProgress }: FoldToStore): Promise<void> {
    onProgress(0);
    const input = openInput(songs);
    try {
      const env = { ...process.env, PLAYCOUNT_FOLD: String(fold) };
      const child = spawn(this.#command, { shell: true, stdio: [input, "inherit", "inherit"], env });
      const [code, signal] = (await once(child, "close")) as [code: number | null, signal: string | null];
      if (code !== 0) throw new Error(`the command of --exec ended with ${signal ?? `status ${code}`}`);
    } finally {
      closeSync(input);
    }
  }
}

/** Writes songs to a file without a name, and opens it at its beginning. */
function openInput(songs: FoldSongs): number {
  const path = join(tmpdir(), `playcount-fold-${crypto.randomUUID()}`);
  const output = openSync(path, "wx", 0o600);
  let input: number | undefined;
  try {
    try {
      input = openSync(path, "r");
    } finally {
      unlinkSync(path);
    }
    for (const part of songs.parts(STEP_SONGS))
      writeFileSync(output, part.songs.map(([id, plays]) => `${JSON.stringify({ id, plays })}\n`).join(""));
    return input;
  } catch (error) {
    if (input !== undefined) closeSync(input); // open, it would keep a full disk full
    throw error;
  } finally {
    closeSync(output);
  }
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import type { Rows } from "../../fold/rows.ts";
import { type FoldToStore, labelOf, type Target } from "../../fold/target.ts";

/** Songs that are written to the command at a time. */
const STEP_SONGS = 1000;

/**
 * Passes folds to a command: a line of JSON for each song on its standard input, and the number in
 * `PLAYCOUNT_FOLD`. The fold is stored when the command exits with 0. If the job dies then, the command gets
 * the fold again, so it has to recognise the number.
 */
export class CommandTarget implements Target {
  readonly label: string;
  readonly #command: string;
  readonly #signal: AbortSignal;

  constructor(command: string, name: string, signal: AbortSignal) {
    this.label = labelOf(`playcount fold by command ${name}`);
    this.#command = command;
    this.#signal = signal;
  }

  async store({ fold, rows, onProgress }: FoldToStore): Promise<void> {
    const child = spawn(this.#command, {
      shell: true,
      stdio: ["pipe", "inherit", "inherit"],
      env: { ...process.env, PLAYCOUNT_FOLD: String(fold) },
    });
    const ended = once(child, "close") as Promise<[code: number | null, signal: string | null]>;
    const stop = () => child.kill();
    this.#signal.addEventListener("abort", stop);
    let [isRead, stored] = [true, 0];
    child.stdin.on("error", () => (isRead = false)); // it has ended; its status says if the fold is stored
    const write = async (songs: Rows) => {
      const lines = songs.map(([id, plays]) => `${JSON.stringify({ id, plays })}\n`).join("");
      if (isRead && !child.stdin.write(lines)) await Promise.race([once(child.stdin, "drain"), ended]);
      onProgress((stored += songs.length));
    };
    for (const part of rows.parts(STEP_SONGS)) await write(part.rows);
    child.stdin.end();
    const [code, signal] = await ended;
    this.#signal.removeEventListener("abort", stop);
    if (code !== 0) throw new Error(`the command of --exec ended with ${signal ?? `status ${code}`}`);
  }
}

import { join } from "node:path";
import process from "node:process";

const main = join(import.meta.dir, "../../src/main.ts");

/** The end of a program. */
export interface Ended {
  /** The exit status; `null` if a signal ended it. */
  status: number | null;
  stderr: string;
}

/** The server as a process that can be killed at any moment, even during its start. */
export class Program {
  readonly #process: Bun.Subprocess<"ignore", "pipe", "pipe">;
  /** Resolves to its URL once it listens; to `undefined` if it ends before. */
  readonly listening: Promise<string | undefined>;
  readonly ended: Promise<Ended>;

  /** Starts it with its counts in `folder`; in memory if that is `undefined`. */
  constructor(folder: string | undefined, workers: number) {
    const flags = ["--port", "0", "--workers", String(workers)];
    const data = folder === undefined ? [] : ["--data", folder];
    const others = Object.entries(process.env).filter(([name]) => !name.startsWith("PLAYCOUNT_"));
    this.#process = Bun.spawn([process.execPath, main, ...flags, ...data], {
      env: Object.fromEntries(others),
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    this.listening = findUrl(this.#process.stdout);
    const stderr = this.#process.stderr.text();
    this.ended = Promise.all([this.#process.exited, stderr]).then(([status, stderr]) => ({
      status: this.#process.signalCode === null ? status : null,
      stderr,
    }));
  }

  /** Kills it, and waits for its end. */
  async kill(): Promise<Ended> {
    this.#process.kill("SIGKILL");
    return await this.ended;
  }

  /** Sends it the signal to stop. */
  stop(): void {
    this.#process.kill("SIGTERM");
  }
}

/** Returns the URL in stdout, and keeps reading so that the pipe never fills. */
async function findUrl(stdout: ReadableStream<Uint8Array>): Promise<string | undefined> {
  const found = Promise.withResolvers<string | undefined>();
  const decoder = new TextDecoder();
  const read = async () => {
    let text = "";
    for await (const piece of stdout) {
      text += decoder.decode(piece, { stream: true });
      const [url] = /\bhttp:\/\/\S+(?=\s)/.exec(text) ?? [];
      if (url !== undefined) found.resolve(url);
    }
    found.resolve(undefined);
  };
  void read();
  return await found.promise;
}

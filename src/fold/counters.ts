import { readPairs, readText, type ServerAnswer } from "../client/answers.ts";
import { CountServerError } from "../client/count-server-error.ts";
import { allEnded, type ServerClient, type ServerRequest } from "../client/server-client.ts";
import { quoted } from "../error-message.ts";
import { parseWholeNumber } from "../mapping/whole-number.ts";
import type { FoldRows } from "./rows.ts";
import { JobRefusal, type ServerFolds } from "./target.ts";

/** Long limits of requests to servers: up to six attempts within several minutes. */
export const PATIENT = { timeoutMs: 30_000, retries: 5 } as const;

/** The servers whose counts a job hands over. */
export class Counters {
  readonly servers: readonly string[];
  readonly #client: ServerClient;
  readonly #signal: AbortSignal | undefined;
  readonly #log: (line: string) => void;

  constructor(
    client: ServerClient,
    servers: readonly string[],
    signal: AbortSignal | undefined,
    log: (line: string) => void,
  ) {
    this.servers = servers;
    this.#client = client;
    this.#signal = signal;
    this.#log = log;
  }

  /** Reads the folds of all servers. */
  async survey(): Promise<ServerFolds[]> {
    const request = { method: "GET", path: "folds", accept: "application/json", signal: this.#signal };
    return await allEnded(this.servers.map((server) => this.#client.send(server, request, readFolds)));
  }

  /** Adds all counts since fold `after` to `rows`, and seals nothing. */
  async readAll(after: number, rows: FoldRows): Promise<void> {
    for (const server of this.servers)
      await this.#read(server, { method: "GET", path: `?after=${after}` }, rows);
  }

  /**
   * Seals a fold on one server, and adds its songs to `rows`.
   *
   * Without a `label` the fold is only read: it was sealed before. A server that does not have it is passed
   * over, and so is one that has a newer fold: its plays are in that.
   */
  async read(server: string, fold: number, label: string | undefined, rows: FoldRows): Promise<void> {
    const path = `folds/${fold}`;
    const request = label === undefined ? { method: "GET", path } : { method: "PUT", path, body: label };
    try {
      await this.#read(server, request, rows);
    } catch (error) {
      const { type } = error instanceof CountServerError ? error : {};
      if (type === "OtherLabel") throw new JobRefusal((error as Error).message);
      if (type === "UnknownFold" || type === "FoldDropped")
        return this.#log(`${server} has lost fold ${fold}, and its plays that were not stored yet`);
      if (type !== "FoldOutOfOrder") throw error;
      this.#log(`${server} has nothing under fold ${fold}: it has sealed a newer one`);
    }
  }

  /** Tells a server that a fold is stored. It is short, and so done even if the job is being stopped. */
  async acknowledge(server: string, fold: number, label?: string): Promise<void> {
    const request = { method: "DELETE", path: `folds/${fold}`, ...(label !== undefined && { label }) };
    try {
      await this.#client.send(server, request, readText);
    } catch (error) {
      // A server in memory has been restarted since, and does not know the fold.
      if (!(error instanceof CountServerError && error.type === "UnknownFold")) throw error;
    }
  }

  /** A retry reads from the beginning, so songs are added only when all of them have arrived. */
  async #read(server: string, request: ServerRequest, rows: FoldRows): Promise<void> {
    const before = rows.mark();
    await this.#client.send(server, { ...request, signal: this.#signal }, async (answer) => {
      rows.backTo(before);
      await readPairs(answer, (id, plays) => rows.add(id, plays));
    });
  }
}

async function readFolds(answer: ServerAnswer): Promise<ServerFolds> {
  const { server, response } = answer;
  const text = await readText(answer);
  const newest = parseWholeNumber(response.headers.get("fold") ?? "");
  if (newest === undefined) throw foreign(server, "its answer has no Fold header");
  try {
    const folds = JSON.parse(text) as { fold: number; label: string; sealed?: string }[];
    return {
      server,
      newest,
      folds: folds.map(({ fold, label, sealed }) => {
        return { fold, label, sealedAt: sealed === undefined ? undefined : Date.parse(sealed) };
      }),
    };
  } catch {
    throw foreign(server, `it answered ${quoted(text)}`);
  }
}

function foreign(server: string, reason: string): Error {
  return new CountServerError(server, `${server} is not a play counter, or of an older version: ${reason}`);
}

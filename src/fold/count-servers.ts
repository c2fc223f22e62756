import { readPairs, readText, type ServerAnswer } from "../client/answers.ts";
import { CountServerError, problemTypeOf } from "../client/count-server-error.ts";
import { allEnded, type ServerClient, type ServerRequest } from "../client/server-client.ts";
import { quoted } from "../error-message.ts";
import { parseWholeNumber } from "../mapping/whole-number.ts";
import { FoldSongs } from "./songs.ts";
import { JobRefusal, type ServerFolds } from "./target.ts";

/** Long limits of requests to servers: up to six attempts within several minutes. */
export const PATIENT = { timeoutMs: 30_000, retries: 5 } as const;

/** Options of {@linkcode CountServers}. */
export interface CountServersOptions {
  client: ServerClient;
  servers: readonly string[];
  signal?: AbortSignal | undefined;
  log: (line: string) => void;
}

/** The servers whose counts a job hands over. */
export class CountServers {
  readonly #options: CountServersOptions;

  constructor(options: CountServersOptions) {
    this.#options = options;
  }

  /** The URLs in one line, in an order of their own. */
  get names(): string {
    return this.#options.servers.toSorted().join(",");
  }

  /** Reads the folds of all servers. */
  async survey(): Promise<ServerFolds[]> {
    const { client, servers, signal } = this.#options;
    const request = { method: "GET", path: "folds", accept: "application/json", signal };
    return await allEnded(servers.map((server) => client.send(server, request, readFolds)));
  }

  /** @throws {JobRefusal} if two URLs have one store: entity tags begin with its name. */
  async refuseTwins(): Promise<void> {
    const { client, servers, signal } = this.#options;
    if (servers.length < 2) return;
    const request = { method: "GET", path: "", accept: "text/plain", signal };
    const names = await allEnded(servers.map((server) => client.send(server, request, readStoreName)));
    for (const [at, name] of names.entries()) {
      const first = names.indexOf(name);
      if (name === undefined || first === at) continue;
      throw new JobRefusal(
        `${servers[first]} and ${servers[at]} have the same counts: they are one server, or share a Redis. List it once in --from`,
      );
    }
  }

  /** @throws {RangeError} if a server takes longer ids. */
  async refuseLongIds(maxBytes: number): Promise<void> {
    const { client, servers, signal } = this.#options;
    const request = { method: "GET", path: `song/${"x".repeat(maxBytes + 1)}`, accept: "text/plain", signal };
    for (const server of servers) {
      const isRefused = await client.send(server, request, readText).then(
        () => false,
        (error: unknown) => {
          if (error instanceof CountServerError && error.status === 414) return true;
          throw error;
        },
      );
      if (!isRefused)
        throw new RangeError(
          `${server} takes ids of more than ${maxBytes} bytes, which the job's tables cannot have: set its --max-id-bytes to ${maxBytes}`,
        );
    }
  }

  /** Adds a server's counts since fold `after` to `songs`, and seals nothing. */
  async readSince(server: string, after: number, songs: FoldSongs): Promise<void> {
    await this.#read(server, { method: "GET", path: `?after=${after}` }, songs);
  }

  /**
   * Seals a fold on one server, and adds its songs to `songs`.
   *
   * Without a `label` the fold is only read: it was sealed before. A server that does not have it is passed
   * over, and so is one that has a newer fold: its plays are in that.
   */
  async read(server: string, fold: number, label: string | undefined, songs: FoldSongs): Promise<void> {
    const path = `folds/${fold}`;
    const { log } = this.#options;
    const request = label === undefined ? { method: "GET", path } : { method: "PUT", path, body: label };
    try {
      await this.#read(server, request, songs);
    } catch (error) {
      const type = problemTypeOf(error);
      if (type === "OtherLabel") throw new JobRefusal((error as Error).message);
      if (type === "UnknownFold" || type === "FoldDropped")
        return log(
          `${server} does not have fold ${fold}: it is new, or has lost those plays of it that were not stored yet`,
        );
      if (type !== "FoldOutOfOrder") throw error;
      log(`${server} has nothing under fold ${fold}: it has sealed a newer one`);
    }
  }

  /** Returns true unless an acknowledged fold has another label: sealing it again changes nothing. */
  async isLabelled(server: string, fold: number, label: string): Promise<boolean> {
    const { client, signal } = this.#options;
    const request = { method: "PUT", path: `folds/${fold}`, body: label, signal };
    try {
      await client.send(server, request, async ({ response }) => await response.body?.cancel());
      return true;
    } catch (error) {
      const type = problemTypeOf(error);
      if (type !== "OtherLabel" && type !== "FoldOutOfOrder") throw error;
      return type === "FoldOutOfOrder"; // a server does not keep it for long
    }
  }

  /** Tells a server that a fold is stored. It is short, and so done even if the job is being stopped. */
  async acknowledge(server: string, fold: number, label?: string): Promise<void> {
    const request = { method: "DELETE", path: `folds/${fold}`, ...(label !== undefined && { label }) };
    try {
      await this.#options.client.send(server, request, readText);
    } catch (error) {
      // A server in memory has been restarted since, and does not know the fold.
      if (problemTypeOf(error) !== "UnknownFold") throw error;
    }
  }

  /** Acknowledges a fold that is not stored, and logs what is lost. */
  async drop(server: string, fold: number): Promise<void> {
    const songs = new FoldSongs();
    await this.read(server, fold, undefined, songs);
    this.#options.log(`${server}: fold ${fold} is dropped (songs: ${songs.size}, plays: ${songs.plays})`);
    await this.acknowledge(server, fold);
  }

  /** A retry reads from the beginning, so songs are added only when all of them have arrived. */
  async #read(server: string, request: ServerRequest, songs: FoldSongs): Promise<void> {
    const { client, signal } = this.#options;
    const before = songs.mark();
    await client.send(server, { ...request, signal }, async (answer) => {
      songs.backTo(before);
      await readPairs(answer, (id, plays) => songs.add(id, plays));
    });
  }
}

/** Returns the part of a list's entity tag that stays the same while the counts change. */
async function readStoreName({ response }: ServerAnswer): Promise<string | undefined> {
  await response.body?.cancel();
  return /^(?:W\/)?"(.+)-/.exec(response.headers.get("etag") ?? "")?.[1];
}

async function readFolds(answer: ServerAnswer): Promise<ServerFolds> {
  const { server, response } = answer;
  const text = await readText(answer);
  const newest = parseWholeNumber(response.headers.get("fold") ?? "");
  const foreign = (reason: string) => {
    const message = `${server} is not a play counter, or of an older version: ${reason}`;
    return new CountServerError(server, message, { status: response.status });
  };
  if (newest === undefined) throw foreign("its answer has no Fold header");
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
    throw foreign(`it answered ${quoted(text)}`);
  }
}

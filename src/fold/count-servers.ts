import { onAbort } from "../async/timing.ts";
import { type Read, readPairs, readText, type ServerAnswer } from "../client/answers.ts";
import { CountServerError, problemTypeOf } from "../client/count-server-error.ts";
import { allEnded, type ServerClient, type ServerRequest } from "../client/server-client.ts";
import { quoted } from "../error-message.ts";
import { parseWholeNumber } from "../mapping/whole-number.ts";
import { FoldSongs } from "./songs.ts";
import { JobRefusal, type ServerFolds } from "./target.ts";
import { refuseTwins } from "./twins.ts";

/** Long limits of requests to servers: up to six attempts within several minutes. */
export const PATIENT = { timeoutMs: 30_000, retries: 5 } as const;

/** Longest time of an acknowledgement once the job is being stopped. */
const STOPPING_MS = 5000;

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
    return await this.#askAll({ method: "GET", path: "folds", accept: "application/json" }, readFolds);
  }

  /** Returns when the first server has sealed a fold, in milliseconds since 1970; now if none says so. */
  async sealedAt(number: number): Promise<number> {
    const folds = (await this.survey()).flatMap((server) => server.folds);
    const times = folds.flatMap(({ fold, sealedAt }) => (fold === number && sealedAt ? [sealedAt] : []));
    return times.length === 0 ? Date.now() : Math.min(...times);
  }

  /** @throws {JobRefusal} if two URLs have one store. */
  async refuseTwins(): Promise<void> {
    await refuseTwins({ ...this.#options, flag: "--from" });
  }

  /** @throws {RangeError} if a server takes ids of more than `maxBytes`. */
  async refuseLongIds(maxBytes: number): Promise<void> {
    const request = { method: "GET", path: `?id=${"x".repeat(maxBytes + 1)}` };
    for (const server of this.#options.servers)
      await this.#send(server, request, readText).then(
        () => {
          throw new RangeError(
            `${server} takes ids of more than ${maxBytes} bytes, which the job's tables cannot have: set its --max-id-bytes to ${maxBytes}`,
          );
        },
        (error: unknown) => {
          if (!(error instanceof CountServerError) || error.status !== 414) throw error;
        },
      );
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
    const request = label === undefined ? { method: "GET", path } : { method: "PUT", path, body: label };
    await this.#read(server, request, songs).catch((error: unknown) => {
      const type = problemTypeOf(error);
      if (type === "OtherLabel") throw new JobRefusal((error as Error).message);
      const newer = `has nothing under fold ${fold}: it has sealed a newer one`;
      const lost = `does not have fold ${fold}: it is new, or has lost those plays of it that were not stored yet`;
      const reason = { FoldOutOfOrder: newer, UnknownFold: lost, FoldDropped: lost }[type ?? ""];
      if (reason === undefined) throw error;
      this.#options.log(`${server} ${reason}`);
    });
  }

  /** Returns true unless an acknowledged fold has another label: sealing it again changes nothing. */
  async isLabelled(server: string, fold: number, label: string): Promise<boolean> {
    const request = { method: "PUT", path: `folds/${fold}`, body: label };
    const sent = this.#send(server, request, async ({ response }) => await response.body?.cancel());
    // A server does not keep the fold for long: then it is out of order.
    return (await sent.catch(expecting("OtherLabel", "FoldOutOfOrder"))) !== "OtherLabel";
  }

  /**
   * Tells a server that a fold is stored. It is short, and so done even if the job is being stopped. If the
   * server does not answer then, the next run acknowledges the fold.
   */
  async acknowledge(server: string, fold: number, label?: string): Promise<void> {
    const { client, signal } = this.#options;
    const giveUp = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = () => {
      timer = setTimeout(() => giveUp.abort(signal?.reason), STOPPING_MS);
    };
    const dispose = signal && onAbort(signal, stop);
    if (signal?.aborted) stop();
    const request = { method: "DELETE", path: `folds/${fold}`, ...(label !== undefined && { label }) };
    try {
      // A server in memory that has been restarted since does not know the fold.
      const sent = client.send(server, { ...request, signal: giveUp.signal }, readText);
      await sent.catch(expecting("UnknownFold"));
    } finally {
      dispose?.();
      clearTimeout(timer);
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
    const before = songs.length;
    await this.#send(server, request, async (answer) => {
      songs.backTo(before);
      await readPairs(answer, (id, plays) => songs.add(id, plays));
    });
  }

  async #send<T>(server: string, request: ServerRequest, read: Read<T>): Promise<T> {
    const { client, signal } = this.#options;
    return await client.send(server, { ...request, signal }, read);
  }

  async #askAll<T>(request: ServerRequest, read: Read<T>): Promise<T[]> {
    return await allEnded(this.#options.servers.map((server) => this.#send(server, request, read)));
  }
}

/** Returns a handler of errors, which returns the type of an expected problem. */
function expecting(...types: readonly string[]): (error: unknown) => string {
  return (error) => {
    const type = problemTypeOf(error);
    if (type === undefined || !types.includes(type)) throw error;
    return type;
  };
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
    const listed = JSON.parse(text) as { fold: number; label: string; sealed?: string }[];
    const folds = listed.map(({ fold, label, sealed }) => ({
      ...{ fold, label },
      sealedAt: sealed === undefined ? undefined : Date.parse(sealed),
    }));
    return { server, newest, folds };
  } catch {
    throw foreign(`it answered ${quoted(text)}`);
  }
}

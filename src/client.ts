import { settle } from "./config.ts";
import { type HashKey, hash } from "./hash.ts";
import { parseMapping } from "./mapping.ts";

const MAX_TIMEOUT_MS = 2 ** 31 - 1; // the longest that timers of all runtimes can wait

/** What can be set about a {@linkcode CountClient}. */
export interface CountClientOptions {
  /** What is counted, as the servers' paths say it: `song` unless told. */
  resource?: string;
  /** How long a server may take to answer one request, in milliseconds: 1 to 2^31 − 1, 5,000 unless told. */
  timeoutMs?: number;
  /** Used in the place of the global `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** What can be said of one call. */
export interface CallOptions {
  /** Abort it to give the call up. */
  signal?: AbortSignal;
}

/** A server that did not do what was asked of it, or is not known to have done it. */
export class CountServerError extends Error {
  /** The server's URL. */
  readonly server: string;
  /** The status that it answered, or `undefined` if there was no answer. */
  readonly status: number | undefined;

  constructor(server: string, message: string, options: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.name = "CountServerError";
    this.server = server;
    this.status = options.status;
  }
}

interface Placed {
  url: string;
  key: HashKey;
}

/**
 * Counts plays on any number of servers, each song on one of them.
 *
 * Songs are placed by rendezvous hashing: a server added to n takes 1/(n+1) of the songs, from all others alike,
 * and no song moves between those. Neither the order of the list matters nor how a URL is written.
 *
 * A call rejects with a {@linkcode CountServerError} if a server fails, with the reason of its `signal` if that is
 * aborted, and with a `TypeError` for an id that no path leads to. After a failure without a status, a play may have
 * been counted or not.
 *
 * @example
 * ```ts
 * const counts = new CountClient(["http://localhost:8000", "http://localhost:8001"]);
 * await counts.incrementPlayCount("42"); // 1
 * ```
 */
export class CountClient {
  readonly #servers: readonly Placed[];
  readonly #resource: string;
  readonly #timeoutMs: number;
  readonly #fetch: (url: string, init: RequestInit) => Promise<Response>;

  /** @throws {TypeError} if there is no server, one is listed twice, or one is not a plain http or https URL; {RangeError} for an option out of its range. */
  constructor(servers: string | readonly string[], options: CountClientOptions = {}) {
    const urls = [servers].flat().map(normalise);
    if (urls.length === 0) throw new TypeError("A CountClient needs one server at least");
    if (new Set(urls).size < urls.length)
      throw new TypeError(`A CountClient's servers must differ: ${urls.join(" ")}`);
    this.#servers = urls.map((url) => ({ url, key: [hash(url, [0, 0]), hash(url, [0, 1])] }));
    this.#resource = settle("resource", options.resource);
    this.#timeoutMs = checkTimeout(options.timeoutMs ?? 5000);
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
  }

  /** The URL of the server that `id` is placed on. */
  serverOf(id: string): string {
    let best: Placed | undefined;
    let highest = -1;
    for (const server of this.#servers) {
      const weight = hash(id, server.key);
      if (weight < highest || (weight === highest && best !== undefined && best.url < server.url)) continue;
      best = server;
      highest = weight;
    }
    return (best as Placed).url;
  }

  /** The plays of `id`; 0 if it was never played. */
  async getPlayCount(id: string, options: CallOptions = {}): Promise<number> {
    const server = this.serverOf(id);
    return readCount(server, await this.#ask(server, "GET", this.#pathOf(id), options));
  }

  /** Adds one play to `id`, and gives the new count. */
  async incrementPlayCount(id: string, options: CallOptions = {}): Promise<number> {
    const server = this.serverOf(id);
    return readCount(server, await this.#ask(server, "POST", this.#pathOf(id), options));
  }

  /** All songs of all servers, asked side by side. Rejects if one of them fails: a part is never given as the whole. */
  async getAllPlayCounts(options: CallOptions = {}): Promise<Map<string, number>> {
    const mappings = await this.#askAll("GET", options);
    const all = new Map<string, number>();
    for (const { server, answer } of mappings) {
      for (const [id, count] of readMapping(server, answer)) {
        const sum = (all.get(id) ?? 0) + count;
        if (!Number.isSafeInteger(sum)) {
          throw new CountServerError(
            server,
            `The sum of all servers' plays of ${JSON.stringify(id)} is not exact`,
          );
        }
        all.set(id, sum);
      }
    }
    return all;
  }

  /** Clears all servers, asked side by side. Rejects if one of them fails; the others may be cleared then. */
  async resetAllPlayCounts(options: CallOptions = {}): Promise<void> {
    await this.#askAll("DELETE", options);
  }

  #pathOf(id: string): string {
    // A URL cannot have these as its last segment, encoded or not: `song/..` is the list of all songs.
    // No UTF-8, and so no percent-encoding, says half of a surrogate pair.
    if (id === "" || id === "." || id === ".." || !id.isWellFormed())
      throw new TypeError(`No path leads to the song ${JSON.stringify(id)}`);
    return `${this.#resource}/${encodeURIComponent(id)}`;
  }

  /** Asks all servers side by side, and waits for each, so that after a failure none is still at it. */
  async #askAll(method: string, options: CallOptions): Promise<{ server: string; answer: string }[]> {
    const asked = this.#servers.map(async ({ url }) => ({
      server: url,
      answer: await this.#ask(url, method, "", options),
    }));
    await Promise.allSettled(asked);
    return await Promise.all(asked);
  }

  async #ask(server: string, method: string, path: string, { signal }: CallOptions): Promise<string> {
    const url = server + path;
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const headers = { accept: "text/plain" };
    const init = {
      method,
      headers,
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      redirect: "manual", // followed, a POST becomes a GET, whose answer would be taken for a play counted
    } as const;
    let response: Response;
    let body: string;
    try {
      response = await this.#fetch(url, init);
      body = await response.text();
    } catch (cause) {
      signal?.throwIfAborted(); // given up by the caller, who hears its own reason
      const reason = timeout.aborted ? `no answer within ${this.#timeoutMs} ms` : describe(cause);
      throw new CountServerError(server, `${method} ${url} failed: ${reason}`, { cause });
    }
    if (response.ok) return body;
    const reason = `${response.status} ${body
      .split("\n", 2)
      .join(": ")
      .replace(/\p{Cc}/gu, " ")
      .slice(0, 200)}`;
    throw new CountServerError(server, `${method} ${url} failed: ${reason}`, { status: response.status });
  }
}

function checkTimeout(timeoutMs: number): number {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs;
  throw new RangeError(`timeoutMs must be a whole number from 1 to ${MAX_TIMEOUT_MS}, not ${timeoutMs}`);
}

/** The one way to write a server's URL, so that songs do not move when somebody writes it another way. */
function normalise(server: string): string {
  const { origin = "", pathname = "", href } = URL.parse(server) ?? {};
  if (!/^https?:\/\//i.test(server) || href !== origin + pathname) {
    throw new TypeError(
      `A server must be an http or https URL without user, query and fragment, not ${JSON.stringify(server)}`,
    );
  }
  return origin + pathname.replace(/\/*$/, "/");
}

/** What went wrong, with the reason that some runtimes give only as the cause of a general "fetch failed". */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error && cause.message !== "" ? `${message}: ${cause.message}` : message;
}

function readCount(server: string, answer: string): number {
  const count = /^\d+$/.test(answer) ? Number(answer) : Number.NaN;
  if (Number.isSafeInteger(count)) return count;
  throw new CountServerError(
    server,
    `${server} did not answer a count: ${JSON.stringify(answer.slice(0, 80))}`,
  );
}

function readMapping(server: string, answer: string): Map<string, number> {
  try {
    return parseMapping(answer);
  } catch (cause) {
    throw new CountServerError(server, `${server} did not answer a mapping: ${(cause as Error).message}`, {
      cause,
    });
  }
}

import { settle } from "./config.ts";
import { type Ask, Asker, CountServerError, readCount, readMapping } from "./count-server.ts";
import { type HashKey, hash } from "./hash.ts";
import { mapping, write } from "./mapping.ts";

export { CountServerError } from "./count-server.ts";

/** What can be set about a {@linkcode CountClient}. */
export interface CountClientOptions {
  /** What is counted, as the servers' paths say it: `song` unless told. */
  resource?: string;
  /** How long a server may take to answer one request, in milliseconds: 1 to 2^31 − 1, 5,000 unless told. */
  timeoutMs?: number;
  /** Sent as `Authorization: Bearer …` with every request; none unless told. */
  token?: string;
  /** Used in the place of the global `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** What can be said of one call. */
export interface CallOptions {
  /** Abort it to give the call up. */
  signal?: AbortSignal;
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
  readonly #asker: Asker;

  /** @throws {TypeError} if there is no server, one is listed twice, or one is not a plain http or https URL; {RangeError} for an option out of its range. */
  constructor(servers: string | readonly string[], options: CountClientOptions = {}) {
    const urls = [servers].flat().map(normalise);
    if (urls.length === 0) throw new TypeError("A CountClient needs one server at least");
    if (new Set(urls).size < urls.length)
      throw new TypeError(`A CountClient's servers must differ: ${urls.join(" ")}`);
    this.#servers = urls.map((url) => ({ url, key: [hash(url, [0, 0]), hash(url, [0, 1])] }));
    this.#resource = settle("resource", options.resource);
    this.#asker = new Asker(options);
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
    return await this.#askForCount("GET", id, options);
  }

  /** Adds one play to `id`, and gives the new count. */
  async incrementPlayCount(id: string, options: CallOptions = {}): Promise<number> {
    return await this.#askForCount("POST", id, options);
  }

  /**
   * Adds to many songs at once, with one request a server, and gives their new counts. A server adds all of its part or
   * nothing; rejects if one of them fails, and then the others may have added theirs.
   */
  async addPlays(
    plays: ReadonlyMap<string, number>,
    { signal }: CallOptions = {},
  ): Promise<Map<string, number>> {
    const parts = new Map<string, [string, number][]>();
    for (const [id, count] of plays) {
      checkId(id);
      const server = this.serverOf(id);
      const part = parts.get(server) ?? [];
      part.push([id, count]);
      parts.set(server, part);
    }
    const asked = Array.from(parts, ([server, part]) => ({
      server,
      ask: { method: "POST", path: "batch", body: write(mapping.text, part), signal },
    }));
    return sumUp(await this.#askEach(asked));
  }

  /**
   * Hands over to a database what was counted since the last fold: seals it on all servers under one number, has `save`
   * store the sum of all servers, once, and acknowledges it when that has succeeded.
   *
   * If anything fails or crashes on the way, call it again with the same number: `save` is given the same plays again,
   * and has to see to it by the number that they are not added twice.
   */
  async fold(
    fold: number,
    save: (plays: ReadonlyMap<string, number>, fold: number) => unknown,
    options: CallOptions = {},
  ): Promise<void> {
    const path = `folds/${fold}`;
    const plays = sumUp(await this.#askAll({ method: "PUT", path, ...options }));
    await save(plays, fold);
    await this.#askAll({ method: "DELETE", path, ...options });
  }

  /** All songs of all servers, asked side by side. Rejects if one of them fails: a part is never given as the whole. */
  async getAllPlayCounts(options: CallOptions = {}): Promise<Map<string, number>> {
    return sumUp(await this.#askAll({ method: "GET", path: "", ...options }));
  }

  /** Clears all servers, asked side by side. Rejects if one of them fails; the others may be cleared then. */
  async resetAllPlayCounts(options: CallOptions = {}): Promise<void> {
    await this.#askAll({ method: "DELETE", path: "", ...options });
  }

  async #askForCount(method: string, id: string, options: CallOptions): Promise<number> {
    checkId(id);
    const server = this.serverOf(id);
    const path = `${this.#resource}/${encodeURIComponent(id)}`;
    return readCount(server, await this.#asker.ask(server, { method, path, ...options }));
  }

  async #askAll(ask: Ask): Promise<Answer[]> {
    return await this.#askEach(this.#servers.map(({ url }) => ({ server: url, ask })));
  }

  /** Asks servers side by side, and waits for each, so that after a failure none is still at it. */
  async #askEach(asks: readonly { server: string; ask: Ask }[]): Promise<Answer[]> {
    const asked = asks.map(async ({ server, ask }) => ({
      server,
      answer: await this.#asker.ask(server, ask),
    }));
    await Promise.allSettled(asked);
    return await Promise.all(asked);
  }
}

/** What a server answered. */
interface Answer {
  server: string;
  answer: string;
}

function sumUp(mappings: readonly Answer[]): Map<string, number> {
  const all = new Map<string, number>();
  for (const { server, answer } of mappings) {
    for (const [id, count] of readMapping(server, answer)) {
      const sum = (all.get(id) ?? 0) + count;
      if (!Number.isSafeInteger(sum)) {
        const song = JSON.stringify(id);
        throw new CountServerError(server, `The sum of all servers' plays of ${song} is not exact`);
      }
      all.set(id, sum);
    }
  }
  return all;
}

function checkId(id: string): void {
  // A URL cannot have these as its last segment, encoded or not: `song/..` is the list of all songs.
  // No UTF-8, and so no percent-encoding, says half of a surrogate pair.
  if (id === "" || id === "." || id === ".." || !id.isWellFormed())
    throw new TypeError(`No path leads to the song ${JSON.stringify(id)}`);
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

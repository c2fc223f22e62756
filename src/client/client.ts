import { MAPPING_SYNTAX, writeList } from "../mapping/write.ts";
import { type ServerReply, readCount, readTotals, sumUp } from "./answers.ts";
import { type ServerRequest, ServerClient, type Send, sendEach } from "./server-client.ts";
import { Batcher, batchesOf } from "./batcher.ts";
import { checkId, Placement } from "./placement.ts";
import { type MoveProgress, Mover } from "./rebalance.ts";
import { checkSetting, type Settings } from "../settings/settings.ts";

export { CountServerError } from "./count-server-error.ts";
export type { MoveProgress } from "./rebalance.ts";

/** Options of a {@linkcode CountClient}. `resource` and `token` are the settings of the servers. */
export interface CountClientOptions extends Partial<Pick<Settings, "resource" | "token">> {
  /** Time that a server may take to answer one request, in milliseconds: 1 to 2^31 − 1. Default: 5000. */
  timeoutMs?: number;
  /** Maximum number of retries of a request, with exponential back-off: 0 to 20. Default: 3. */
  retries?: number;
  /** Sends the requests. Default: the global `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** Options of one call. */
export interface CallOptions {
  /** Cancels the call when it is aborted. */
  signal?: AbortSignal;
}

/** Options of {@linkcode CountClient.rebalance}. */
export interface RebalanceOptions extends CountClientOptions, CallOptions {
  /** Token of the servers that the songs are moved to. Default: `token`. */
  toToken?: string;
  /** Sends songs again to a server of the new list that has lost what was moved to it. Default: false. */
  again?: boolean;
  /** Called when a server's fold has been sealed, and after each request that moved part of it. */
  onProgress?: (progress: MoveProgress) => void;
}

/**
 * Counts plays on any number of servers. Each song is on one of them.
 *
 * Songs are placed by rendezvous hashing: a server added to n servers takes 1/(n+1) of the songs, evenly from
 * all others, and no song moves between the others. Neither the order of the list nor the spelling of a URL
 * matters.
 *
 * A request that fails temporarily is retried. Plays have an `Idempotency-Key`, so a retry is not counted
 * twice.
 *
 * A call rejects with
 * - a {@linkcode CountServerError} if a server keeps failing; if that says `mayBeDone`, plays may have been
 * counted;
 * - the reason of its `signal` if that is aborted; plays may have been counted;
 * - a `TypeError` for an id that cannot be part of a path: an empty id, `.`, `..`, or one with a lone
 * surrogate.
 *
 * @example
 * ```ts
 * import { CountClient } from "playcount/client";
 *
 * const counts = new CountClient(["http://localhost:8000", "http://localhost:8001"]);
 * await counts.incrementPlayCount("42"); // 1
 * await counts.getPlayCount("42"); // 1
 * ```
 */
export class CountClient {
  readonly #placement: Placement;
  readonly #resource: string;
  readonly #client: ServerClient;
  readonly #batchers: ReadonlyMap<string, Batcher>;

  /**
   * @throws {TypeError} if `servers` is empty, lists a server twice, or has anything but plain http and https
   * URLs.
   * @throws {RangeError} for an option that is out of its range.
   */
  constructor(servers: string | readonly string[], options: CountClientOptions = {}) {
    this.#placement = new Placement(servers);
    this.#resource = checkSetting("resource", options.resource);
    this.#client = new ServerClient(options);
    this.#batchers = new Map(this.#placement.urls.map((url) => [url, new Batcher(url, this.#client)]));
  }

  /**
   * Moves all songs of the servers `from` to where the list `to` places them, while plays go on. Returns the
   * number of plays moved.
   *
   * `fold` is a number from the sequence of {@linkcode CountClient.fold}, above that of every fold sealed on
   * `from`, all of which must be acknowledged. Store it as the last one done after the move, and continue
   * with the next. Never use a number again.
   *
   * After a failure, call it again with the same number and the same lists: nothing is moved twice, and other
   * lists are refused. For clients that got the new list late, repeat the move with a higher number. Until
   * the move has ended, a song may be counted on both of its servers.
   *
   * Songs are sent in batches of at most 5,000, and at most 250,000 are held in memory: a larger fold is read
   * several times.
   *
   * @throws {RangeError} if a newer fold has been sealed.
   */
  static async rebalance(
    from: string | readonly string[],
    to: string | readonly string[],
    fold: number,
    options: RebalanceOptions = {},
  ): Promise<number> {
    const { toToken = options.token, again = false, signal, onProgress = () => {} } = options;
    const client = new ServerClient(options);
    const toClient = new ServerClient({ ...options, ...(toToken !== undefined && { token: toToken }) });
    const mover = new Mover({ client, toClient, to: new Placement(to), again, signal, onProgress });
    let moved = 0;
    for (const server of new Placement(from).urls) moved += (await mover.move(server, fold))?.plays ?? 0;
    return moved;
  }

  /** Returns the URL of the server that `id` is placed on. */
  serverOf(id: string): string {
    return this.#placement.serverOf(id);
  }

  /** Returns the plays of `id`; 0 for an unknown song. */
  async getPlayCount(id: string, { signal }: CallOptions = {}): Promise<number> {
    const path = this.#pathOf(id);
    const server = this.serverOf(id);
    return readCount({ server, answer: await this.#client.send(server, { method: "GET", path, signal }) });
  }

  /**
   * Adds one play to `id`, and returns the new count.
   *
   * Calls of one turn of the event loop are sent together, in one batch a server. A server that does not
   * accept batches from this client gets single requests.
   */
  async incrementPlayCount(id: string, { signal }: CallOptions = {}): Promise<number> {
    const path = this.#pathOf(id);
    return await (this.#batchers.get(this.serverOf(id)) as Batcher).play(id, path, signal);
  }

  /**
   * Adds plays to many songs, with one request a server for every 10,000 songs, and returns their new counts.
   *
   * Each request adds all of its songs or nothing. If the call rejects, other requests may have added theirs.
   */
  async addPlays(
    plays: ReadonlyMap<string, number>,
    { signal }: CallOptions = {},
  ): Promise<Map<string, number>> {
    for (const id of plays.keys()) checkId(id);
    const parts = Array.from(this.#placement.divide(plays), ([server, part]) =>
      batchesOf(part).map((songs) => ({ server, songs })),
    ).flat();
    const requests = parts.map(({ server, songs }) => ({
      server,
      request: { method: "POST", path: "batch", body: writeList(MAPPING_SYNTAX.text, songs), signal },
    }));
    const replies = await sendEach(requests, (server, request) => this.#client.sendKeyed(server, request));
    return new Map(replies.flatMap((reply, at) => [...readTotals(reply, parts[at]?.songs ?? [])]));
  }

  /**
   * Hands over to a database what was counted since the last fold: seals fold number `fold` on all servers,
   * passes the sum of all servers to `save`, and acknowledges the fold when `save` has resolved.
   *
   * Let `save` store the number with the plays. After a failure, call it again with the same number only if
   * that is not stored. Otherwise acknowledge the fold with `DELETE`: a server may have restarted since.
   */
  async fold(
    fold: number,
    save: (plays: ReadonlyMap<string, number>, fold: number) => unknown,
    { signal }: CallOptions = {},
  ): Promise<void> {
    const path = `folds/${fold}`;
    const plays = sumUp(await this.#sendAll({ method: "PUT", path, signal }));
    await save(plays, fold);
    await this.#sendAll({ method: "DELETE", path, signal });
  }

  /**
   * Returns the plays of all songs. Rejects if any server fails, so that a part is never taken for the whole.
   */
  async getAllPlayCounts({ signal }: CallOptions = {}): Promise<Map<string, number>> {
    return sumUp(await this.#sendAll({ method: "GET", path: "", signal }));
  }

  /**
   * Clears all servers. Does not retry: a second request would also clear plays counted since the first.
   *
   * If the call rejects, other servers may have been cleared.
   */
  async resetAllPlayCounts({ signal }: CallOptions = {}): Promise<void> {
    await this.#sendAll({ method: "DELETE", path: "", signal }, (server, request) =>
      this.#client.sendOnce(server, request),
    );
  }

  #pathOf(id: string): string {
    checkId(id);
    return `${this.#resource}/${encodeURIComponent(id)}`;
  }

  async #sendAll(
    request: ServerRequest,
    send: Send = (server, same) => this.#client.send(server, same),
  ): Promise<ServerReply[]> {
    return await sendEach(
      this.#placement.urls.map((server) => ({ server, request })),
      send,
    );
  }
}

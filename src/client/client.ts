/**
 * A client of one or several play counters, for every runtime with `fetch` and for browsers.
 *
 * @example
 * ```ts
 * import { CountClient } from "playcount/client";
 *
 * const counts = new CountClient("http://localhost:8000");
 * await counts.incrementPlayCount("1"); // 1
 * await counts.getTopPlayCounts(10); // new Map([["1", 1]])
 * ```
 *
 * @module
 */

import { checkSetting } from "../settings/settings.ts";
import { readCount, readDone } from "./answers.ts";
import { checkNumber, checkPlays, checkType } from "./arguments.ts";
import { Batcher } from "./batcher.ts";
import type { CountServerError } from "./count-server-error.ts";
import type { CallOptions, CountClientOptions, FoldOptions, ReadOptions } from "./options.ts";
import { Placement } from "./placement.ts";
import { namingQueries, query } from "./queries.ts";
import { allEnded, ServerClient } from "./server-client.ts";
import { readSum, readTotals, sealFold, type Source } from "./slices.ts";

export { CountServerError } from "./count-server-error.ts";
export type * from "./options.ts";

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
 * - a `TypeError` for an id that is not a string, or cannot be part of a path: an empty one, `.`, `..`, or
 * one with a lone surrogate;
 * - a `RangeError` for a number out of its range.
 *
 * It runs on every runtime with `fetch`: on Node 20 and newer, and in browsers since 2023.
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
   * Makes a client of `servers`: their URLs, in any order.
   *
   * @throws {TypeError} if `servers` is empty, lists a server twice, or has anything but plain http and https
   * URLs, and for options or a `fetch` of another type.
   * @throws {RangeError} for an option that is out of its range.
   */
  constructor(servers: string | readonly string[], options: CountClientOptions = {}) {
    this.#placement = new Placement(servers);
    this.#client = new ServerClient(options);
    this.#resource = checkSetting("resource", options.resource);
    this.#batchers = new Map(this.#placement.urls.map((url) => [url, new Batcher(url, this.#client)]));
  }

  /** Returns the URL of the server that `id` is placed on. */
  serverOf(id: string): string {
    return this.#placement.serverOf(id);
  }

  /** Returns the plays of `id`; 0 for an unknown song. */
  async getPlayCount(id: string, { after, signal }: ReadOptions = {}): Promise<number> {
    const server = this.serverOf(id);
    const path = this.#songPathOf(id) + query({ after });
    return await this.#client.send(server, { method: "GET", path, signal }, readCount);
  }

  /**
   * Returns the plays of several songs, in the order of `ids`; 0 for an unknown song. Sends one request a
   * server for every 100 songs.
   */
  async getPlayCounts(
    ids: readonly string[],
    { after, signal }: ReadOptions = {},
  ): Promise<Map<string, number>> {
    checkType("ids", ids, "object");
    const counts = new Map(ids.map((id) => [id, 0]));
    const requests = Array.from(this.#placement.divide(counts), ([server, some]) =>
      namingQueries(some, { after }).map(({ path, songs }) =>
        this.#client.send(server, { method: "GET", path, signal }, (answer) => readTotals(answer, songs)),
      ),
    );
    for (const part of await allEnded(requests.flat()))
      for (const [id, count] of part) if (counts.has(id)) counts.set(id, count);
    return counts;
  }

  /**
   * Adds one play to `id`, and returns the new count.
   *
   * Calls of one turn of the event loop are sent together, in one batch a server. A server that does not
   * accept batches from this client gets single requests.
   */
  async incrementPlayCount(id: string, { signal }: CallOptions = {}): Promise<number> {
    const batcher = this.#batchers.get(this.serverOf(id)) as Batcher;
    return await batcher.play(id, this.#songPathOf(id), signal);
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
    checkPlays(plays);
    signal?.throwIfAborted();
    const requests = Array.from(this.#placement.divide(plays), ([server, part]) =>
      (this.#batchers.get(server) as Batcher).add(part, signal),
    );
    const totals = await allEnded(requests.flat());
    return new Map(totals.flatMap((part) => [...part]));
  }

  /**
   * Hands over to a database what was counted since the last fold: seals fold number `fold` on all servers,
   * passes the sum of all servers to `save`, and acknowledges the fold when `save` has resolved.
   *
   * The sum comes in slices, each with other songs; a fold of few songs is one slice. `save` reads all
   * slices, and stores the plays and the number in one transaction. To repeat the transaction, it iterates
   * again.
   *
   * After a failure, call it again with the same number, unless that is stored as done; with `isBegun` if any
   * song of the fold may be stored. If the fold is stored, acknowledge it with `DELETE`.
   *
   * @throws {Error} if `save` has not read all slices. The fold is not acknowledged then.
   */
  async fold(
    fold: number,
    save: (slices: AsyncIterable<ReadonlyMap<string, number>>, fold: number) => unknown,
    { signal, isBegun = false, sliceSongs = 1_000_000 }: FoldOptions = {},
  ): Promise<void> {
    checkType("save", save, "function");
    checkNumber("fold", fold, 1, Number.MAX_SAFE_INTEGER);
    checkNumber("sliceSongs", sliceSongs, 1, 16_000_000);
    const path = `folds/${fold}`;
    const slices = await sealFold({ ...this.#source(path, signal), isOptional: isBegun }, sliceSongs);
    await save(slices, fold);
    if (!slices.isRead)
      throw new Error(`Fold ${fold} is not acknowledged: save has not read all of its slices`);
    const done = (error: CountServerError) => {
      if (!isBegun || error.type !== "UnknownFold") throw error;
    };
    const request = { method: "DELETE", path, signal };
    await this.#onEach((server) => this.#client.send(server, request, readDone).catch(done));
  }

  /**
   * Returns the plays of all songs. Rejects if any server fails, so that a part is never taken for the whole.
   *
   * @throws {RangeError} for more songs than a `Map` can hold: 16,777,216 on most runtimes.
   */
  async getAllPlayCounts({ after, signal }: ReadOptions = {}): Promise<Map<string, number>> {
    return (await readSum(this.#source(query({ after }), signal))).counts;
  }

  /**
   * Returns the `n` songs with the most plays, 1 to 1000, highest first, ties by id in code-unit order.
   * Rejects if any server fails.
   *
   * The plays of a song that was counted on several servers, because their list has changed, are added up
   * only as far as it is among the first of each.
   */
  async getTopPlayCounts(n: number, { after, signal }: ReadOptions = {}): Promise<Map<string, number>> {
    checkNumber("n", n, 1, 1000);
    const { counts } = await readSum(this.#source(query({ top: n, after }), signal));
    const ranked = [...counts].sort(([a, m], [b, k]) => k - m || (a < b ? -1 : 1));
    return new Map(ranked.slice(0, n));
  }

  /**
   * Clears all servers. Does not retry: a second request would also clear plays counted since the first.
   *
   * If the call rejects, other servers may have been cleared.
   */
  async resetAllPlayCounts({ signal }: CallOptions = {}): Promise<void> {
    const request = { method: "DELETE", path: "", signal };
    await this.#onEach((server) => this.#client.sendOnce(server, request, readDone));
  }

  #songPathOf(id: string): string {
    return `${this.#resource}/${encodeURIComponent(id)}`;
  }

  #source(path: string, signal: AbortSignal | undefined): Source {
    return { client: this.#client, servers: this.#placement.urls, path, signal };
  }

  async #onEach(act: (server: string) => Promise<unknown>): Promise<void> {
    await allEnded(this.#placement.urls.map(act));
  }
}

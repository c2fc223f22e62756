import { type ServerReply, readCount, sumUp } from "./answers.ts";
import { type ServerRequest, ServerClient } from "./server-client.ts";
import { Batcher } from "./batcher.ts";
import { checkId, Placement } from "./placement.ts";
import { type MoveProgress, Mover } from "./rebalance.ts";
import { checkSetting } from "../settings/settings.ts";
import { MAPPING_SYNTAX, writeList } from "../mapping/write.ts";

export { CountServerError } from "./count-server-error.ts";
export type { MoveProgress } from "./rebalance.ts";

/** What can be set about a {@linkcode CountClient}. */
export interface CountClientOptions {
  /** What is counted, as the servers' paths say it: `song` unless told. */
  resource?: string;
  /** How long a server may take to answer one request, in milliseconds: 1 to 2^31 − 1, 5,000 unless told. */
  timeoutMs?: number;
  /** How often a request is sent again, after longer and longer waits, when a server fails: 0 to 20, 3 unless told. */
  retries?: number;
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

/** What can be said of moving songs. */
export interface RebalanceOptions extends CountClientOptions, CallOptions {
  /** Sent to the servers that the songs are moved to, in the place of `token`. */
  toToken?: string;
  /** Whether a server of the new list may have lost what was moved to it, and gets it again; false unless told. */
  again?: boolean;
  /** Called when a server's fold has been sealed, and after each request that moved some of it. */
  onProgress?: (progress: MoveProgress) => void;
}

/**
 * Counts plays on any number of servers, each song on one of them.
 *
 * Songs are placed by rendezvous hashing: a server added to n takes 1/(n+1) of the songs, from all others alike,
 * and no song moves between those. Neither the order of the list matters nor how a URL is written.
 *
 * What fails in a way that may pass is tried again, plays with an `Idempotency-Key`, so that one is not counted twice if
 * only the answer was lost. A call rejects with a {@linkcode CountServerError} if a server goes on failing, with the
 * reason of its `signal` if that is aborted, and with a `TypeError` for an id that no path leads to. After a failure
 * that says `mayBeDone`, or when it was given up, a play may have been counted or not.
 *
 * @example
 * ```ts
 * const counts = new CountClient(["http://localhost:8000", "http://localhost:8001"]);
 * await counts.incrementPlayCount("42"); // 1
 * ```
 */
export class CountClient {
  readonly #placement: Placement;
  readonly #resource: string;
  readonly #asker: ServerClient;
  readonly #gatherers: ReadonlyMap<string, Batcher>;

  /** @throws {TypeError} if there is no server, one is listed twice, or one is not a plain http or https URL; {RangeError} for an option out of its range. */
  constructor(servers: string | readonly string[], options: CountClientOptions = {}) {
    this.#placement = new Placement(servers);
    this.#resource = checkSetting("resource", options.resource);
    this.#asker = new ServerClient(options);
    this.#gatherers = new Map(this.#placement.urls.map((url) => [url, new Batcher(url, this.#asker)]));
  }

  /**
   * Moves all songs of the servers `from` to where the list `to` places them, while plays go on, and gives the number of
   * plays that were moved. Clients should have the new list by then; if some come later, do it again.
   *
   * `fold` is a number above that of every fold that was sealed on `from`, from the same sequence as that of
   * {@linkcode CountClient.fold}, of whose folds none may be left unacknowledged. Whoever hands folds over stores it as the
   * last one done when this has ended, and goes on with the next: what was moved is in the folds to come. If anything
   * fails or crashes on the way, call it again with the same number and the same lists: what has been moved is not moved
   * twice, and other lists are refused; so is a server that has forgotten what was moved to it.
   * No number is used again, not even after all was cleared. For clients that got the new list late, do it once
   * more with a higher number. Until it has ended, and its number is stored, a song that is moved may be seen where it
   * was and where it will be.
   *
   * Songs are sent in batches of 5,000 at most, and 250,000 are held at once: of more, the fold is read so often.
   * Rejects with a {@linkcode CountServerError}, and a `RangeError` if a newer fold has been sealed.
   */
  static async rebalance(
    from: string | readonly string[],
    to: string | readonly string[],
    fold: number,
    options: RebalanceOptions = {},
  ): Promise<number> {
    const { toToken = options.token, again = false, signal, onProgress = () => {} } = options;
    const asker = new ServerClient(options);
    const toAsker = new ServerClient({ ...options, ...(toToken !== undefined && { token: toToken }) });
    const mover = new Mover({ asker, toAsker, to: new Placement(to), again, signal, onProgress });
    let moved = 0;
    for (const server of new Placement(from).urls) moved += (await mover.move(server, fold))?.plays ?? 0;
    return moved;
  }

  /** The URL of the server that `id` is placed on. */
  serverOf(id: string): string {
    return this.#placement.serverOf(id);
  }

  /** The plays of `id`; 0 if it was never played. */
  async getPlayCount(id: string, { signal }: CallOptions = {}): Promise<number> {
    const path = this.#pathOf(id);
    const server = this.serverOf(id);
    return readCount({ server, answer: await this.#asker.send(server, { method: "GET", path, signal }) });
  }

  /**
   * Adds one play to `id`, and gives the new count. Calls of one turn of the event loop go together, with one request a
   * server; one by one where the server does not take batches from this client.
   */
  async incrementPlayCount(id: string, { signal }: CallOptions = {}): Promise<number> {
    const path = this.#pathOf(id);
    return await (this.#gatherers.get(this.serverOf(id)) as Batcher).play(id, path, signal);
  }

  /**
   * Adds to many songs at once, with one request a server, and gives their new counts. A server adds all of its part or
   * nothing; rejects if one of them fails, and then the others may have added theirs.
   */
  async addPlays(
    plays: ReadonlyMap<string, number>,
    { signal }: CallOptions = {},
  ): Promise<Map<string, number>> {
    for (const id of plays.keys()) checkId(id);
    const parts = Array.from(this.#placement.divide(plays), ([server, part]) => ({
      server,
      ask: { method: "POST", path: "batch", body: writeList(MAPPING_SYNTAX.text, part), signal },
    }));
    return sumUp(await askEach(parts, (server, ask) => this.#asker.sendKeyed(server, ask)));
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
    { signal }: CallOptions = {},
  ): Promise<void> {
    const path = `folds/${fold}`;
    const plays = sumUp(await this.#askAll({ method: "PUT", path, signal }));
    await save(plays, fold);
    await this.#askAll({ method: "DELETE", path, signal });
  }

  /** All songs of all servers, asked side by side. Rejects if one of them fails: a part is never given as the whole. */
  async getAllPlayCounts({ signal }: CallOptions = {}): Promise<Map<string, number>> {
    return sumUp(await this.#askAll({ method: "GET", path: "", signal }));
  }

  /**
   * Clears all servers, asked side by side, and once: to ask again would clear what was played since. Rejects if one of
   * them fails; the others may be cleared then.
   */
  async resetAllPlayCounts({ signal }: CallOptions = {}): Promise<void> {
    await this.#askAll({ method: "DELETE", path: "", signal }, (server, ask) =>
      this.#asker.sendOnce(server, ask),
    );
  }

  #pathOf(id: string): string {
    checkId(id);
    return `${this.#resource}/${encodeURIComponent(id)}`;
  }

  async #askAll(
    ask: ServerRequest,
    askOne: AskOne = (server, asked) => this.#asker.send(server, asked),
  ): Promise<ServerReply[]> {
    return await askEach(
      this.#placement.urls.map((server) => ({ server, ask })),
      askOne,
    );
  }
}

type AskOne = (server: string, ask: ServerRequest) => Promise<string>;

/** Asks servers side by side, and waits for each, so that after a failure none is still at it. */
async function askEach(
  asks: readonly { server: string; ask: ServerRequest }[],
  askOne: AskOne,
): Promise<ServerReply[]> {
  const asked = asks.map(async ({ server, ask }) => ({ server, answer: await askOne(server, ask) }));
  await Promise.allSettled(asked);
  return await Promise.all(asked);
}

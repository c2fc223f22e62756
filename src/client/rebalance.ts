import { readFolds, readNewestFold, readText } from "./answers.ts";
import { ServerClient } from "./server-client.ts";
import { CountServerError } from "./count-server-error.ts";
import { Delivery } from "./delivery.ts";
import { claim, Mark, nameOf } from "./notes.ts";
import { Placement } from "./placement.ts";
import type { CallOptions, CountClientOptions } from "./options.ts";
import { type FoldOf, readFold, Slice, FoldSurvey } from "./sealed-fold.ts";

/** Default maximum number of songs in memory: about 300 MB of the process, more with long ids. */
const HELD_SONGS = 250_000;

/** Progress of the move of one server's songs. */
export interface MoveProgress {
  /** URL of the server that the songs are moved from. */
  server: string;
  /** Number of the fold that contains them. */
  fold: number;
  /** Songs in the fold. */
  songs: number;
  /** Plays in the fold. */
  plays: number;
  /** Songs moved, including those of earlier attempts. */
  movedSongs: number;
  /** Plays moved, including those of earlier attempts. */
  movedPlays: number;
}

/** Options of `CountClient.rebalance`. */
export interface RebalanceOptions extends CountClientOptions, CallOptions {
  /** Token of the servers that the songs are moved to. Default: `token`. */
  toToken?: string | undefined;
  /** Sends songs again to a server of the new list that has lost what was moved to it. Default: false. */
  again?: boolean | undefined;
  /** Called when a server's fold has been sealed, and after each request that moved part of it. */
  onProgress?: ((progress: MoveProgress) => void) | undefined;
}

/** Options of a {@linkcode Mover}. */
export interface MoveOptions {
  /** Client of the servers to move songs from. */
  client: ServerClient;
  /** Client of the servers to move songs to. */
  toClient: ServerClient;
  to: Placement;
  /** Maximum number of songs in memory, the same for each attempt to move a fold. Default: 250,000. */
  heldSongs?: number;
  /** True to send songs again to a server that has lost what was moved to it. Default: false. */
  again?: boolean;
  signal: AbortSignal | undefined;
  onProgress: (progress: MoveProgress) => void;
}

/**
 * Moves folds of servers to the servers that `to` places their songs on. A retry moves no play twice.
 */
export class Mover {
  readonly #options: MoveOptions;

  constructor(options: MoveOptions) {
    this.#options = options;
  }

  /** Returns the folds of a server that are not acknowledged. */
  async openFolds(server: string): Promise<number[]> {
    const { client, signal } = this.#options;
    return await client.send(server, { method: "GET", path: "folds", signal }, readFolds);
  }

  /** Rejects if a server of `to` does not accept batches. */
  async checkTargets(): Promise<void> {
    const { toClient, to, signal } = this.#options;
    const ask = { method: "POST", path: "batch", body: "", signal };
    for (const server of to.urls) await toClient.send(server, ask, readNewestFold);
  }

  /**
   * Seals fold number `fold` of a server, moves its plays, and acknowledges it. Returns the amount moved;
   * `undefined` if the fold was acknowledged before.
   *
   * @throws {RangeError} if a newer fold has been sealed.
   */
  async move(server: string, fold: number): Promise<MoveProgress | undefined> {
    const { client, to, signal } = this.#options;
    const path = `folds/${fold}`;
    const of = { server, fold, signal };
    const open = await this.openFolds(server);
    const older = open.find((number) => number < fold);
    if (older !== undefined)
      throw new CountServerError(
        server,
        `Fold ${older} of ${server} must be acknowledged before songs are moved`,
      );
    const isOpen = open.includes(fold);
    if (!isOpen && (await this.#wasSealed(server, path))) return undefined;
    const newest = await claim(client, of, to);
    if (newest >= fold) throw notOurs(server, fold, isOpen, newest);
    const survey = await readFold(client, "PUT", of, () => new FoldSurvey());
    const progress = await this.#deliver(of, survey);
    await client.send(server, { method: "DELETE", path, signal }, readText);
    return progress;
  }

  /** Returns true if the fold exists, or has existed. */
  async #wasSealed(server: string, path: string): Promise<boolean> {
    const { client, signal } = this.#options;
    try {
      await client.send(server, { method: "HEAD", path, signal }, readText);
      return true;
    } catch (error) {
      if (error instanceof CountServerError && error.status === 404) return false;
      if (error instanceof CountServerError && error.status === 410) return true;
      throw error;
    }
  }

  async #deliver(of: FoldOf, survey: FoldSurvey): Promise<MoveProgress> {
    const { client, toClient, to, heldSongs = HELD_SONGS, again = false, signal, onProgress } = this.#options;
    const { server, fold } = of;
    const { songs, plays, digest } = survey;
    // The name has the digest, because a server that lost its folds may reuse the number for other plays.
    const writer = `move-${fold}-${nameOf(server)}-${digest}`;
    const deliveries = new Map<string, Delivery>();
    for (const target of to.urls) {
      const mark = new Mark(client, of, target, digest);
      const delivery = new Delivery({ client: toClient, server: target, writer, mark, again, signal });
      await delivery.begin();
      deliveries.set(target, delivery);
    }
    const progress = { server, fold, songs, plays, movedSongs: 0, movedPlays: 0 };
    const counted = (songs: number, plays: number) => {
      progress.movedSongs += songs;
      progress.movedPlays += plays;
      onProgress({ ...progress });
    };
    onProgress({ ...progress });
    const slices = Math.ceil(songs / heldSongs);
    for (let at = 0; at < slices; at++) {
      const parts = to.divide(await this.#slice(of, survey, at, slices));
      const brought = Array.from(parts, ([target, part]) =>
        (deliveries.get(target) as Delivery).bring(part, counted),
      );
      await Promise.allSettled(brought); // after a failure, no delivery may still be running
      await Promise.all(brought);
    }
    for (const delivery of deliveries.values()) delivery.finish();
    return progress;
  }

  /** Reads the whole fold, and returns the songs of one slice, in the same order at each attempt. */
  async #slice(of: FoldOf, survey: FoldSurvey, at: number, slices: number): Promise<[string, number][]> {
    const slice = await readFold(this.#options.client, "GET", of, () => new Slice(at, slices));
    if (!survey.fits(slice))
      throw new CountServerError(
        of.server,
        `Fold ${of.fold} of ${of.server} is incomplete, or has changed since it was sealed`,
      );
    return slice.entries.sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
  }
}

function notOurs(server: string, fold: number, isOpen: boolean, newest: number): Error {
  if (!isOpen) return new RangeError(`Fold ${fold} must be above ${newest}, the newest of ${server}`);
  const message = `Fold ${fold} of ${server} was not sealed by this move: its own job must acknowledge it before songs are moved`;
  return new CountServerError(server, message);
}

/** Moves all songs of the servers `from`, as `CountClient.rebalance` does. */
export async function rebalance(
  from: string | readonly string[],
  to: string | readonly string[],
  fold: number,
  options: RebalanceOptions,
): Promise<number> {
  const { toToken = options.token, again = false, signal, onProgress = () => {} } = options;
  const client = new ServerClient(options);
  const toClient = new ServerClient({ ...options, token: toToken });
  const mover = new Mover({ client, toClient, to: new Placement(to), again, signal, onProgress });
  let moved = 0;
  for (const server of new Placement(from).urls) moved += (await mover.move(server, fold))?.plays ?? 0;
  return moved;
}

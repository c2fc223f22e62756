import { readFolds, readNewestFold } from "./answers.ts";
import type { ServerClient } from "./server-client.ts";
import { CountServerError } from "./count-server-error.ts";
import { Delivery } from "./delivery.ts";
import { claim, Mark, nameOf } from "./notes.ts";
import type { Placement } from "./placement.ts";
import { type FoldOf, readFold, Slice, FoldSurvey } from "./sealed-fold.ts";

/**
 * Songs that are held at once: a program takes some 300 MB then, however many there are, and more if all ids
 * are long.
 */
const HELD_SONGS = 250_000;

/** How far one server's songs have got. */
export interface MoveProgress {
  /** The URL of the server that they are moved from. */
  server: string;
  /** The number that they were sealed under. */
  fold: number;
  /** Songs that are to be moved. */
  songs: number;
  /** Plays that are to be moved. */
  plays: number;
  /** Songs that are where they shall be, those of an earlier try included. */
  movedSongs: number;
  /** Plays that are where they shall be. */
  movedPlays: number;
}

/** From where to where songs are moved, and how. */
export interface MoveOptions {
  /** Asks the servers that have the songs. */
  client: ServerClient;
  /** Asks those that will have them. */
  toClient: ServerClient;
  to: Placement;
  /** How many songs are held at once, 250,000 unless told; the same number each time that a fold is moved. */
  heldSongs?: number;
  /**
   * Whether a server may have lost the counts that were moved to it, and gets them again; false unless told.
   */
  again?: boolean;
  signal: AbortSignal | undefined;
  onProgress: (progress: MoveProgress) => void;
}

/**
 * Moves folds of servers to where a list places their songs, each song once, whatever fails and however often
 * it is tried.
 */
export class Mover {
  readonly #options: MoveOptions;

  constructor(options: MoveOptions) {
    this.#options = options;
  }

  /** The folds of a server that are not acknowledged: while there is an older one, none can be. */
  async openFolds(server: string): Promise<number[]> {
    const { client, signal } = this.#options;
    return readFolds({ server, answer: await client.send(server, { method: "GET", path: "folds", signal }) });
  }

  /** Rejects if one of the servers that shall have the songs does not take batches. */
  async checkTargets(): Promise<void> {
    const { toClient, to, signal } = this.#options;
    const ask = { method: "POST", path: "batch", body: "", signal };
    for (const server of to.urls)
      await toClient.read(server, ask, (response) => readNewestFold(server, response));
  }

  /**
   * Moves all that a server has counted up to now, under a fold's number, and gives how much that was;
   * `undefined` if the fold was acknowledged before.
   *
   * The fold is acknowledged when all of it has been added elsewhere.
   *
   * @throws {RangeError} if a newer one has been sealed.
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
    await client.send(server, { method: "DELETE", path, signal });
    return progress;
  }

  /** Whether there is such a fold, or was. */
  async #wasSealed(server: string, path: string): Promise<boolean> {
    const { client, signal } = this.#options;
    try {
      await client.send(server, { method: "HEAD", path, signal });
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
    // What the fold has is in it as well: a server that has lost its folds may have another one under this number.
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
      await Promise.allSettled(brought); // so that after a failure none is still at it
      await Promise.all(brought);
    }
    for (const delivery of deliveries.values()) delivery.finish();
    return progress;
  }

  /** Reads the whole fold, and gives the songs of one of so many slices, always in the same order. */
  async #slice(of: FoldOf, survey: FoldSurvey, at: number, slices: number): Promise<[string, number][]> {
    const slice = await readFold(this.#options.client, "GET", of, () => new Slice(at, slices));
    if (!survey.fits(slice))
      throw new CountServerError(
        of.server,
        `${of.server} did not answer all of fold ${of.fold}, or another one than before`,
      );
    return slice.entries.sort(([a], [b]) => (a < b ? -1 : Number(a > b)));
  }
}

function notOurs(server: string, fold: number, isOpen: boolean, newest: number): Error {
  if (!isOpen) return new RangeError(`Fold ${fold} must be above ${newest}, the newest of ${server}`);
  const message = `Fold ${fold} of ${server} was not sealed in order to be moved: whoever sealed it must acknowledge it before songs are moved`;
  return new CountServerError(server, message);
}

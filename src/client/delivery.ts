import { MAPPING_SYNTAX, writeList } from "../mapping/write.ts";
import { lastRequestIn, readNewestFold } from "./answers.ts";
import type { ServerClient } from "./server-client.ts";
import { CountServerError } from "./count-server-error.ts";
import { lastOrNote, type Mark } from "./notes.ts";

/** Maximum number of songs in one batch, which blocks other requests of a durable server for about 25 ms. */
const MAX_SONGS = 5000;

/** Maximum length of a batch of several songs: below the usual limits of bodies. */
const MAX_CHARACTERS = 256 * 1024;

/** A batch of songs. */
interface Parcel {
  songs: number;
  plays: number;
  body: string;
}

/** Options of a {@linkcode Delivery}. */
export interface DeliveryOptions {
  client: ServerClient;
  server: string;
  /** Writer's name, the same for each attempt to deliver the fold. */
  writer: string;
  mark: Mark;
  /** True to send songs again to a server that has lost its counts. */
  again: boolean;
  signal: AbortSignal | undefined;
}

/**
 * Sends the songs of a fold to one server, in batches, in the same order at each attempt.
 *
 * The batches are the requests of one writer, numbered from 1. A repeated delivery learns from the server the
 * number of the last batch counted, and continues with that batch: the server refuses it if it differs.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  #at = 0;
  /** Number of the last batch that the server has counted. Earlier batches are not sent. */
  #last = 0;
  #isMarked = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /**
   * Finds the last batch that the server has counted.
   *
   * @throws {CountServerError} 422 if the server has counted songs of the fold, and does not remember it.
   */
  async begin(): Promise<void> {
    const { client, server, writer, mark, again, signal } = this.#options;
    this.#isMarked = await mark.isSet();
    this.#last = (await lastOrNote(client, server, writer, 0, signal)) ?? 0;
    if (!this.#isMarked || this.#last > 0 || again) return;
    const message = `${server} has lost its record of the moved songs: it restarted without its counts, or has forgotten its writers`;
    throw new CountServerError(server, message, { status: 422 });
  }

  /** Sends songs, except those counted before. Calls `counted` with the songs and plays of each batch. */
  async bring(
    entries: readonly (readonly [string, number])[],
    counted: (songs: number, plays: number) => void,
  ): Promise<void> {
    for (const { songs, plays, body } of parcelsOf(entries)) {
      this.#at++;
      if (this.#at >= this.#last) await this.#send(this.#at, body);
      if (!this.#isMarked) await this.#options.mark.set();
      this.#isMarked = true;
      counted(songs, plays);
    }
  }

  /**
   * Checks that the fold has as many batches as the server has counted.
   *
   * @throws {CountServerError} 422 if it has fewer: an earlier delivery differed.
   */
  finish(): void {
    if (this.#last > this.#at) throw this.#differs();
  }

  async #send(at: number, body: string): Promise<void> {
    const { client, server, writer, signal } = this.#options;
    const ask = { method: "POST", path: "batch", key: `"${writer}:${at}"`, body, isMinimal: true, signal };
    try {
      await client.send(server, ask, readNewestFold);
    } catch (error) {
      if (error instanceof CountServerError && error.status === 422) throw this.#differs();
      const last = lastRequestIn(error);
      if (last === undefined || last <= at) throw error;
      this.#last = last; // another process delivers the same fold, and is ahead
    }
  }

  #differs(): CountServerError {
    const { server } = this.#options;
    const message = `${server} has counted other batches of this fold: continue the move with the lists it was begun with`;
    return new CountServerError(server, message, { status: 422 });
  }
}

function* parcelsOf(entries: readonly (readonly [string, number])[]): Generator<Parcel> {
  let pairs: string[] = [];
  let characters = 0;
  let plays = 0;
  const take = (): Parcel => {
    const batch = { songs: pairs.length, plays, body: pairs.join(",") };
    pairs = [];
    characters = plays = 0;
    return batch;
  };
  for (const entry of entries) {
    const pair = writeList(MAPPING_SYNTAX.text, [entry]);
    const isFull = pairs.length === MAX_SONGS || characters + pair.length + 1 > MAX_CHARACTERS;
    if (isFull && pairs.length > 0) yield take();
    pairs.push(pair);
    characters += pair.length + 1;
    plays += entry[1];
  }
  if (pairs.length > 0) yield take();
}

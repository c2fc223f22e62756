import { MAPPING_SYNTAX, writeList } from "../mapping/write.ts";
import { lastRequestIn, readNewestFold } from "./answers.ts";
import type { ServerClient } from "./server-client.ts";
import { CountServerError } from "./count-server-error.ts";
import { lastOrNote, type Mark } from "./notes.ts";

/**
 * Most songs of one request: others wait for a batch, at a durable server some 25 milliseconds for one of
 * these.
 */
const MOST_SONGS = 5000;

/**
 * Most characters of one request, but for one song: less than the shortest that bodies are limited to, as a
 * rule.
 */
const MOST_CHARACTERS = 256 * 1024;

/** Songs that are sent together. */
interface Parcel {
  songs: number;
  plays: number;
  body: string;
}

/** What is brought, and to whom. */
export interface DeliveryOptions {
  client: ServerClient;
  server: string;
  /** The name of all of it, which is the same each time that it is brought. */
  writer: string;
  mark: Mark;
  /** Whether the server may have lost what it had counted, and then gets it again. */
  again: boolean;
  signal: AbortSignal | undefined;
}

/**
 * Brings the songs of a fold to one server, in batches. They have to come in the same order each time.
 *
 * The batches are the requests of one writer, numbered from 1 on: when the same is done again, the server
 * says by the number which was the last that it has counted, and that one is sent again, to be sure that it
 * was the same.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  #at = 0;
  /** The last request that the server said it has counted; those before it are not sent again. */
  #last = 0;
  #isMarked = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** @throws {CountServerError} if the server has counted some of it, and has forgotten that. */
  async begin(): Promise<void> {
    const { client, server, writer, mark, again, signal } = this.#options;
    this.#isMarked = await mark.isSet();
    this.#last = (await lastOrNote(client, server, writer, 0, signal)) ?? 0;
    if (!this.#isMarked || this.#last > 0 || again) return;
    const message = `${server} does not know any more what has been moved to it: it began anew without its counts, or has forgotten its writers`;
    throw new CountServerError(server, message, { status: 422 });
  }

  /**
   * Has the server count these songs, unless it has. `counted` is told after each batch how many songs and
   * plays it had.
   */
  async bring(
    entries: readonly (readonly [string, number])[],
    counted: (songs: number, plays: number) => void,
  ): Promise<void> {
    for (const { songs, plays, body } of batchesOf(entries)) {
      this.#at++;
      if (this.#at >= this.#last) await this.#send(this.#at, body);
      if (!this.#isMarked) await this.#options.mark.set();
      this.#isMarked = true;
      counted(songs, plays);
    }
  }

  /** @throws {CountServerError} if the server has counted more than there is: then it was not the same. */
  finish(): void {
    if (this.#last > this.#at) throw this.#wasAnother();
  }

  async #send(at: number, body: string): Promise<void> {
    const { client, server, writer, signal } = this.#options;
    const ask = { method: "POST", path: "batch", key: `"${writer}:${at}"`, body, isMinimal: true, signal };
    try {
      await client.read(server, ask, (response) => readNewestFold(server, response));
    } catch (error) {
      if (error instanceof CountServerError && error.status === 422) throw this.#wasAnother();
      const last = lastRequestIn(error);
      if (last === undefined || last <= at) throw error;
      this.#last = last; // somebody else is at the same, and ahead
    }
  }

  #wasAnother(): CountServerError {
    const { server } = this.#options;
    const message = `${server} has counted other batches for this fold, which must not be moved in another way`;
    return new CountServerError(server, message, { status: 422 });
  }
}

function* batchesOf(entries: readonly (readonly [string, number])[]): Generator<Parcel> {
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
    const isFull = pairs.length === MOST_SONGS || characters + pair.length + 1 > MOST_CHARACTERS;
    if (isFull && pairs.length > 0) yield take();
    pairs.push(pair);
    characters += pair.length + 1;
    plays += entry[1];
  }
  if (pairs.length > 0) yield take();
}

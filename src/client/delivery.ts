import { mapping, write } from "../mapping.ts";
import { lastRequestIn, readNewestFold } from "./answers.ts";
import type { Asker } from "./asker.ts";
import { CountServerError } from "./count-server-error.ts";

/** Most songs of one request: others wait for a batch, at a durable server some 25 milliseconds for one of these. */
const MOST_SONGS = 5000;

/** Most characters of one request, but for one song: less than the shortest that bodies are limited to, as a rule. */
const MOST_CHARACTERS = 256 * 1024;

/** Songs that are sent together. */
interface Batch {
  songs: number;
  plays: number;
  body: string;
}

/**
 * Brings the songs of a fold to one server, in batches. They have to come in the same order each time.
 *
 * The batches are the requests of one writer, numbered from 0 on: when the same is done again, the server says by the
 * number which was the last that it has counted, and that one is sent again, to be sure that it was the same.
 */
export class Delivery {
  readonly #asker: Asker;
  readonly #server: string;
  readonly #writer: string;
  readonly #signal: AbortSignal | undefined;
  #next = 0;
  /** The last request that the server said it has counted; those before it are not sent again. */
  #last = -1;

  constructor(asker: Asker, server: string, writer: string, signal: AbortSignal | undefined) {
    this.#asker = asker;
    this.#server = server;
    this.#writer = writer;
    this.#signal = signal;
  }

  /** Has the server count these songs, unless it has. `counted` is told after each batch how many songs and plays it had. */
  async bring(
    entries: readonly (readonly [string, number])[],
    counted: (songs: number, plays: number) => void,
  ): Promise<void> {
    for (const { songs, plays, body } of batchesOf(entries)) {
      const at = this.#next++;
      if (at >= this.#last) await this.#send(at, body);
      counted(songs, plays);
    }
  }

  /** @throws {CountServerError} if the server has counted more than there is: then it was not the same. */
  finish(): void {
    if (this.#last >= this.#next) throw this.#wasAnother();
  }

  async #send(at: number, body: string): Promise<void> {
    const ask = { method: "POST", path: "batch", key: `"${this.#writer}:${at}"`, body, isMinimal: true };
    const take = (response: Response) => readNewestFold(this.#server, response);
    try {
      await this.#asker.read(this.#server, { ...ask, signal: this.#signal }, take);
    } catch (error) {
      if (error instanceof CountServerError && error.status === 422) throw this.#wasAnother();
      const last = lastRequestIn(error);
      if (last === undefined || last <= at) throw error;
      this.#last = last;
    }
  }

  #wasAnother(): CountServerError {
    const message = `${this.#server} has counted other batches for this fold, which must not be moved in another way`;
    return new CountServerError(this.#server, message, { status: 422 });
  }
}

function* batchesOf(entries: readonly (readonly [string, number])[]): Generator<Batch> {
  let pairs: string[] = [];
  let characters = 0;
  let plays = 0;
  const take = (): Batch => {
    const batch = { songs: pairs.length, plays, body: pairs.join(",") };
    pairs = [];
    characters = plays = 0;
    return batch;
  };
  for (const entry of entries) {
    const pair = write(mapping.text, [entry]);
    const isFull = pairs.length === MOST_SONGS || characters + pair.length + 1 > MOST_CHARACTERS;
    if (isFull && pairs.length > 0) yield take();
    pairs.push(pair);
    characters += pair.length + 1;
    plays += entry[1];
  }
  if (pairs.length > 0) yield take();
}

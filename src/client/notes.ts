import { hash64 } from "../hash.ts";
import { MAPPING_SYNTAX, writeList } from "../mapping/write.ts";
import { lastRequestIn, readNewestFold } from "./answers.ts";
import type { ServerClient } from "./server-client.ts";
import { CountServerError } from "./count-server-error.ts";
import type { Placement } from "./placement.ts";
import type { FoldOf } from "./sealed-fold.ts";

/** Part of every plan: another one when folds are divided into batches in another way. */
const DIVISION = 1;

/** Ids of one byte, which every server takes: they write down 64 bits, each by being there or not. */
const SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// A note at a server is a batch that adds 0 to some songs, and so counts nothing. Its key says what it is about: the server
// answers it the same each time, also after a crash if it is durable, and refuses another one of that key.

/**
 * Has a server note, before it seals a fold, that the fold is to be moved and where to; and later tells by
 * the notes whether a fold is one of those. Gives the newest fold that was sealed before the first note was
 * made: if that is the fold itself or a newer one, the note came too late, and the fold is somebody else's.
 *
 * @throws {CountServerError} with status 422 if the fold is to be moved elsewhere.
 */
export async function claim(client: ServerClient, of: FoldOf, to: Placement): Promise<number> {
  const { server, fold, signal } = of;
  const writer = `playcount-move-${fold}`;
  const newest = await note(client, server, `${writer}:0`, "", signal);
  if (newest >= fold) return newest;
  try {
    const plan = `${DIVISION} ${server} ${to.urls.toSorted().join(" ")}`;
    await note(client, server, `${writer}-to:0`, signsOf(plan), signal);
  } catch (error) {
    if (!(error instanceof CountServerError) || error.status !== 422) throw error;
    const message = `Fold ${fold} of ${server} is on its way to other servers: end that first, with the lists that it was begun with`;
    throw new CountServerError(server, message, { status: 422, cause: error });
  }
  return newest;
}

/** Whether some of a fold has been brought to a server, as the fold's own server has noted. */
export class Mark {
  readonly #client: ServerClient;
  readonly #of: FoldOf;
  readonly #writer: string;

  /** `digest` is that of what the fold has. */
  constructor(client: ServerClient, of: FoldOf, target: string, digest: string) {
    this.#client = client;
    this.#of = of;
    this.#writer = `moved-${of.fold}-${nameOf(target)}-${digest}`;
  }

  /** Asks by a note that is older than the one that sets it. */
  async isSet(): Promise<boolean> {
    return (await this.#note(0)) !== undefined;
  }

  async set(): Promise<void> {
    await this.#note(1);
  }

  async #note(seq: number): Promise<number | undefined> {
    const { server, signal } = this.#of;
    return await lastOrNote(this.#client, server, this.#writer, seq, signal);
  }
}

/**
 * The number of the last request of a writer; `undefined` if it had no later one than `seq`, which a note has
 * then.
 */
export async function lastOrNote(
  client: ServerClient,
  server: string,
  writer: string,
  seq: number,
  signal: AbortSignal | undefined,
): Promise<number | undefined> {
  try {
    await note(client, server, `${writer}:${seq}`, "", signal);
    return undefined;
  } catch (error) {
    const last = lastRequestIn(error);
    if (last === undefined) throw error;
    return last;
  }
}

/** Gives the newest fold that was sealed before the note was made. */
async function note(
  client: ServerClient,
  server: string,
  key: string,
  body: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  const ask = { method: "POST", path: "batch", key: `"${key}"`, body, signal };
  return await client.read(server, ask, (response) => readNewestFold(server, response));
}

/** What a writer can be called after a server. */
export function nameOf(server: string): string {
  return hash64(server)
    .map((word) => word.toString(36))
    .join("-");
}

/** The note of a plan. */
function signsOf(plan: string): string {
  const words = hash64(plan);
  const signs = Array.from(SIGNS).filter((_, at) => (((words[at >> 5] as number) >>> (at & 31)) & 1) === 1);
  return writeList(
    MAPPING_SYNTAX.text,
    signs.map((sign) => [sign, 0]),
  );
}

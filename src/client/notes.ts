import { hash64 } from "../hash.ts";
import { MAPPING_SYNTAX, writeList } from "../mapping/write.ts";
import { lastRequestIn, readNewestFold } from "./answers.ts";
import type { ServerClient } from "./server-client.ts";
import { CountServerError } from "./count-server-error.ts";
import type { Placement } from "./placement.ts";
import type { FoldOf } from "./sealed-fold.ts";

/** Version of the division of folds into batches; part of every plan. */
const DIVISION = 1;

/** 64 ids of one byte. The ids in a batch encode a 64-bit digest: bit n is set if the batch has id n. */
const SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// A note is a batch that adds 0 plays to songs, and so counts nothing. Its key names its subject. The server
// refuses a different note with the same key; a durable server also does after a crash.

/**
 * Notes at a server, before it seals a fold, that the fold is to be moved, and to which servers. Idempotent.
 *
 * Returns the newest fold sealed before the first note. If that is `fold` or newer, another client sealed
 * `fold`, and it must not be moved.
 *
 * @throws {CountServerError} 422 if the fold was claimed for other servers.
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
    const message = `Fold ${fold} of ${server} is being moved to other servers: finish that move first, with its own lists`;
    throw new CountServerError(server, message, { status: 422, cause: error });
  }
  return newest;
}

/** Notes at a fold's own server that delivery to a target has begun. */
export class Mark {
  readonly #client: ServerClient;
  readonly #of: FoldOf;
  readonly #writer: string;

  constructor(client: ServerClient, of: FoldOf, target: string, digest: string) {
    this.#client = client;
    this.#of = of;
    this.#writer = `moved-${of.fold}-${nameOf(target)}-${digest}`;
  }

  /** Returns true if the mark is set. Reads it by a note with an older number than the mark's. */
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
 * Sends a note with number `seq`. Returns the number of the writer's newest request if that is higher;
 * `undefined` otherwise.
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

/** Sends a note, and returns the newest fold sealed before it. */
async function note(
  client: ServerClient,
  server: string,
  key: string,
  body: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  const ask = { method: "POST", path: "batch", key: `"${key}"`, body, signal };
  return await client.send(server, ask, readNewestFold);
}

/** Returns a writer's name made from a server's URL. */
export function nameOf(server: string): string {
  return hash64(server)
    .map((word) => word.toString(36))
    .join("-");
}

/** Returns the body of the note of a plan. */
function signsOf(plan: string): string {
  const words = hash64(plan);
  const signs = Array.from(SIGNS).filter((_, at) => (((words[at >> 5] as number) >>> (at & 31)) & 1) === 1);
  return writeList(
    MAPPING_SYNTAX.text,
    signs.map((sign) => [sign, 0]),
  );
}

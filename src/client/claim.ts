import { hash } from "../hash.ts";
import { mapping, write } from "../mapping.ts";
import { readNewestFold } from "./answers.ts";
import type { Asker } from "./asker.ts";
import { CountServerError } from "./count-server-error.ts";
import type { Placement } from "./placement.ts";
import type { FoldOf } from "./sealed-fold.ts";

/** Part of every plan: another one when folds are divided into batches in another way. */
const DIVISION = 1;

/** Ids of one byte, which every server takes: they write down 64 bits, each by being there or not. */
const SIGNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * Has a server note, before it seals a fold, that the fold is to be moved and where to; and later tells by the notes
 * whether a fold is one of those. Gives the newest fold that was sealed before the first note was made: if that is the
 * fold itself or a newer one, the note came too late, and the fold is somebody else's.
 *
 * A note is a batch of songs that adds 0 to each, and so counts nothing. Its key names the fold: so a server answers the
 * same each time, also after a crash if it is durable, and refuses another note.
 *
 * @throws {CountServerError} with status 422 if the fold is to be moved elsewhere.
 */
export async function claim(asker: Asker, of: FoldOf, to: Placement): Promise<number> {
  const { server, fold } = of;
  const newest = await note(asker, of, `playcount-move-${fold}`, "");
  if (newest >= fold) return newest;
  try {
    const plan = `${DIVISION} ${server} ${to.urls.toSorted().join(" ")}`;
    await note(asker, of, `playcount-move-${fold}-to`, signsOf(plan));
  } catch (error) {
    if (!(error instanceof CountServerError) || error.status !== 422) throw error;
    const message = `Fold ${fold} of ${server} is on its way to other servers: end that first, with the lists that it was begun with`;
    throw new CountServerError(server, message, { status: 422, cause: error });
  }
  return newest;
}

async function note(asker: Asker, { server, signal }: FoldOf, writer: string, body: string): Promise<number> {
  const ask = { method: "POST", path: "batch", key: `"${writer}:0"`, body, signal };
  return await asker.read(server, ask, (response) => readNewestFold(server, response));
}

/** The note of a plan. */
function signsOf(plan: string): string {
  const words = [hash(plan, [0, 0]), hash(plan, [0, 1])];
  const signs = Array.from(SIGNS).filter((_, at) => (((words[at >> 5] as number) >>> (at & 31)) & 1) === 1);
  return write(
    mapping.text,
    signs.map((sign) => [sign, 0]),
  );
}

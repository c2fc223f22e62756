import type { Awaitable } from "../../async/awaitable.ts";
import { yieldTurn } from "../../async/turns.ts";
import { cutOffError } from "../../error-message.ts";
import type { ListSyntax } from "../../mapping/write.ts";
import { EntryWriter } from "./entry-writer.ts";
import { PAUSE } from "../../store/chunks.ts";
import type { Chunk, CountStore } from "../../store/count-store.ts";
import { Refusal } from "../../store/refusal.ts";

/** Least bytes of a piece, the last one excepted. A piece ends with the chunk that reaches this length. */
const PIECE_BYTES = 64 * 1024;

/**
 * Time after which a stream is cut off whose client reads nothing. Node then closes the connection, as Bun
 * does by itself. Deno and workerd leave it open until the client reads on or leaves.
 */
const IDLE_MS = 60_000;

/**
 * Writes the entries of a store as the body of a response: a string if they fit in one piece and the store
 * makes no pause, otherwise a stream that reads on only as fast as its reader. A promise only if the store is
 * asynchronous.
 *
 * Besides the memory that the store needs for the walk, it holds one chunk and two pieces. Each chunk is read
 * at one instant; plays that arrive during a long listing may be in it or not. A reader that cancels the
 * stream, or takes no piece for a minute, ends the walk.
 */
export function listBody(
  chunks: ReturnType<CountStore["entries"]>,
  syntax: ListSyntax,
): Awaitable<string | ReadableStream<Uint8Array>> {
  const writer = new EntryWriter(syntax);
  if (Symbol.asyncIterator in chunks) {
    const iterator = chunks[Symbol.asyncIterator]();
    return fill(writer, iterator).then((ended) => (ended ? writer.finishText() : stream(writer, iterator)));
  }
  const iterator = chunks[Symbol.iterator]();
  while (writer.length < PIECE_BYTES) {
    const { done, value } = iterator.next();
    if (done) return writer.finishText();
    if (value === PAUSE) break;
    writer.add(value);
  }
  return stream(writer, iterator);
}

const CUT_OFF = cutOffError("a list");

type ChunkIterator = Iterator<Chunk> | AsyncIterator<Chunk>;

/** Reads until the buffer has a whole piece. Returns true at the end of the walk. */
async function fill(writer: EntryWriter, iterator: ChunkIterator): Promise<boolean> {
  while (writer.length < PIECE_BYTES) {
    const { done, value } = await iterator.next();
    if (done) return true;
    if (value === PAUSE) await yieldTurn();
    else writer.add(value);
  }
  return false;
}

function stream(writer: EntryWriter, iterator: ChunkIterator): ReadableStream<Uint8Array> {
  let isWanted = true;
  let idle: ReturnType<typeof setTimeout> | undefined;
  const leave = async () => {
    isWanted = false;
    clearTimeout(idle);
    await iterator.return?.();
  };
  return new ReadableStream({
    async pull(controller) {
      clearTimeout(idle);
      try {
        await yieldTurn(); // other requests get their turn during a walk over millions of songs
        const ended = await fill(writer, iterator);
        if (!isWanted) return;
        controller.enqueue(ended ? writer.finish() : writer.take());
        if (!isWanted) return; // the client may leave as it is written to
        if (ended) controller.close();
        else
          idle = setTimeout(() => {
            controller.error(CUT_OFF);
            void leave();
          }, IDLE_MS);
      } catch (error) {
        // The status was sent already: the client sees the answer break off.
        console.error(error instanceof Refusal ? `playcount: a list was cut off: ${error.message}` : error);
        throw error;
      }
    },
    cancel: leave,
  });
}

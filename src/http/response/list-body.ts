import { type Awaitable, yieldTurn } from "../../async.ts";
import type { ListSyntax } from "../../mapping/write.ts";
import { EntryWriter } from "./entry-writer.ts";
import type { Chunk, CountStore } from "../../store/count-store.ts";
import { Refusal } from "../../store/refusal.ts";

/** Bytes that make a piece worth sending. A piece ends with the chunk that reaches this. */
const PIECE = 64 * 1024;

/**
 * Writes the entries of a store as the body of a response: a string if they make one piece, or else a stream that
 * reads on only as its reader does. A promise only if the store is asynchronous.
 *
 * What it holds is bounded by what the store holds for the walk, by one chunk and two pieces, one of them read ahead. Each chunk is read at one instant; plays that arrive while a
 * long listing is under way may or may not be in it. A reader that goes away ends the walk.
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
  while (writer.length < PIECE) {
    const { done, value } = iterator.next();
    if (done) return writer.finishText();
    writer.add(value);
  }
  return stream(writer, iterator);
}

type ChunkIterator = Iterator<Chunk> | AsyncIterator<Chunk>;

/** Reads on until there is a piece, and tells whether the walk has ended. */
async function fill(writer: EntryWriter, iterator: ChunkIterator): Promise<boolean> {
  while (writer.length < PIECE) {
    const { done, value } = await iterator.next();
    if (done) return true;
    writer.add(value);
  }
  return false;
}

function stream(writer: EntryWriter, iterator: ChunkIterator): ReadableStream<Uint8Array> {
  let isWanted = true;
  return new ReadableStream({
    async pull(controller) {
      try {
        await yieldTurn(); // a walk over millions of songs leaves everybody else their turns
        const ended = await fill(writer, iterator);
        if (!isWanted) return;
        controller.enqueue(ended ? writer.finish() : writer.take());
        if (ended) controller.close();
      } catch (error) {
        // It is too late for a status: the client sees the answer break off.
        console.error(error instanceof Refusal ? `playcount: a list broke off: ${error.message}` : error);
        throw error;
      }
    },
    async cancel() {
      isWanted = false;
      await iterator.return?.();
    },
  });
}

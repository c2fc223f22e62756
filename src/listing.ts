import type { Awaitable } from "./awaitable.ts";
import type { Grammar } from "./mapping.ts";
import type { CountStore, Entry } from "./store/count-store.ts";

/** Characters that make a piece worth sending. A piece ends with the chunk that reaches this. */
const PIECE = 64 * 1024;

/**
 * Writes the entries of a store as the body of a response: a string if they make one piece, or else a stream that
 * reads on only as its reader does. A promise only if the store is asynchronous.
 *
 * What it holds is bounded by one chunk and two pieces, one of them read ahead. Each chunk is read at one instant; plays that arrive while a
 * long listing is under way may or may not be in it. A reader that goes away ends the walk.
 */
export function listing(
  chunks: ReturnType<CountStore["entries"]>,
  grammar: Grammar,
): Awaitable<string | ReadableStream<Uint8Array>> {
  const writer = new PieceWriter(grammar);
  if (Symbol.asyncIterator in chunks) {
    const iterator = chunks[Symbol.asyncIterator]();
    return fill(writer, iterator).then((ended) => (ended ? writer.finish() : stream(writer, iterator)));
  }
  const iterator = chunks[Symbol.iterator]();
  while (writer.length < PIECE) {
    const { done, value } = iterator.next();
    if (done) return writer.finish();
    writer.add(value);
  }
  return stream(writer, iterator);
}

type ChunkIterator = Iterator<Iterable<Entry>> | AsyncIterator<Iterable<Entry>>;

/** Reads on until there is a piece, and tells whether the walk has ended. */
async function fill(writer: PieceWriter, iterator: ChunkIterator): Promise<boolean> {
  while (writer.length < PIECE) {
    const { done, value } = await iterator.next();
    if (done) return true;
    writer.add(value);
  }
  return false;
}

function stream(writer: PieceWriter, iterator: ChunkIterator): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder();
  let isWanted = true;
  return new ReadableStream({
    async pull(controller) {
      try {
        const ended = await fill(writer, iterator);
        if (!isWanted) return;
        controller.enqueue(utf8.encode(ended ? writer.finish() : writer.take()));
        if (ended) controller.close();
      } catch (error) {
        console.error(error); // it is too late for a status: the client sees the answer break off
        throw error;
      }
    },
    async cancel() {
      isWanted = false;
      await iterator.return?.();
    },
  });
}

/** Writes chunks of entries one after the other, and is emptied piece by piece. */
class PieceWriter {
  readonly #grammar: Grammar;
  #piece: string;
  #separator = "";

  constructor(grammar: Grammar) {
    this.#grammar = grammar;
    this.#piece = grammar.open;
  }

  /** Characters written since the last piece was taken. */
  get length(): number {
    return this.#piece.length;
  }

  add(chunk: Iterable<Entry>): void {
    for (const entry of chunk) {
      this.#piece += this.#separator + this.#grammar.entry(entry);
      this.#separator = ",";
    }
  }

  take(): string {
    const piece = this.#piece;
    this.#piece = "";
    return piece;
  }

  finish(): string {
    return this.take() + this.#grammar.close;
  }
}

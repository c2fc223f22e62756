import type { Grammar } from "./mapping.ts";
import type { CountStore, Entry } from "./store/count-store.ts";

/** Characters that make a piece worth sending. A piece ends with the chunk that reaches this. */
const PIECE = 64 * 1024;

/**
 * Writes the entries of a store as the body of a response: a string if a synchronous store has so few that they
 * make one piece, or else a stream that reads a chunk only when the reader is ready for more.
 *
 * What it holds is bounded by one chunk. Each chunk is read at one instant; plays that arrive while a long
 * listing is under way may or may not be in it. A reader that goes away ends the walk.
 */
export function listing(
  chunks: ReturnType<CountStore["entries"]>,
  grammar: Grammar,
): string | ReadableStream<Uint8Array> {
  const writer = new PieceWriter(grammar);
  if (Symbol.asyncIterator in chunks) return stream(chunks[Symbol.asyncIterator](), writer);
  const iterator = chunks[Symbol.iterator]();
  while (writer.length < PIECE) {
    const { done, value } = iterator.next();
    if (done) return writer.finish();
    writer.add(value);
  }
  return stream(iterator, writer);
}

type ChunkIterator = Iterator<Iterable<Entry>> | AsyncIterator<Iterable<Entry>>;

function stream(iterator: ChunkIterator, writer: PieceWriter): ReadableStream<Uint8Array> {
  const utf8 = new TextEncoder();
  return new ReadableStream({
    async pull(controller) {
      while (writer.length < PIECE) {
        const { done, value } = await iterator.next();
        if (done) {
          controller.enqueue(utf8.encode(writer.finish()));
          controller.close();
          return;
        }
        writer.add(value);
      }
      controller.enqueue(utf8.encode(writer.take()));
    },
    async cancel() {
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

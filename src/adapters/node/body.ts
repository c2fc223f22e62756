import type { IncomingMessage } from "node:http";

/** Body of a request to a `node:http` server. */
export interface IncomingBody {
  /** Stream of the body; it errors if the connection ends before the request does. */
  readonly stream: ReadableStream<Uint8Array>;
  /** Discards the rest of the body, which is read off the connection within Node's limit for a request. */
  drop(): void;
}

/**
 * Reads the body of a request from its connection as fast as the handler reads.
 *
 * Not by `Readable.toWeb`: cancelling that stream destroys the connection, and with it the answer.
 */
export function bodyOf(incoming: IncomingMessage): IncomingBody {
  let isWanted = true;
  const drop = () => {
    isWanted = false;
    incoming.resume();
  };
  const start = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    incoming.pause();
    incoming.on("data", (piece: Uint8Array) => {
      if (!isWanted) return;
      incoming.pause();
      controller.enqueue(new Uint8Array(piece)); // a copy: Node's buffers share their memory with others
    });
    incoming.once("end", () => isWanted && controller.close());
    incoming.once("close", () => {
      if (isWanted) controller.error(new TypeError("The body is incomplete")); // no effect after "end"
    });
  };
  const source = { start, pull: () => void incoming.resume(), cancel: drop };
  return { stream: new ReadableStream(source, { highWaterMark: 0 }), drop };
}

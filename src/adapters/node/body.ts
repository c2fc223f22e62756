import type { IncomingMessage } from "node:http";

/**
 * Body of a request to a `node:http` server, which is read from its connection as fast as the handler reads.
 *
 * Not `Readable.toWeb`: cancelling that stream destroys the connection, and with it the answer.
 */
export class IncomingBody {
  /** Stream of the body; it errors if the connection ends before the request does. */
  readonly stream: ReadableStream<Uint8Array>;
  readonly #incoming: IncomingMessage;
  #isWanted = true;

  constructor(incoming: IncomingMessage) {
    this.#incoming = incoming;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => this.#follow(controller),
        pull: () => void incoming.resume(),
        cancel: () => this.drop(),
      },
      { highWaterMark: 0 },
    );
  }

  /** Discards the rest of the body, which is read off the connection within Node's limit for a request. */
  drop(): void {
    this.#isWanted = false;
    this.#incoming.resume();
  }

  #follow(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const incoming = this.#incoming;
    incoming.pause();
    incoming.on("data", (piece: Uint8Array) => {
      if (!this.#isWanted) return;
      incoming.pause();
      controller.enqueue(new Uint8Array(piece)); // a copy: Node's buffers share their memory with others
    });
    incoming.once("end", () => {
      if (this.#isWanted) controller.close();
    });
    incoming.once("close", () => {
      if (this.#isWanted) controller.error(new TypeError("The body is incomplete")); // no effect after "end"
    });
  }
}

import type { IncomingMessage } from "node:http";

/**
 * The body of a request to a `node:http` server, read from its connection only as fast as the handler reads.
 *
 * Not `Readable.toWeb`: cancelling that one destroys the connection, and with it the answer.
 */
export class IncomingBody {
  /** Errors if the request breaks off. */
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

  /** Lets go of what has not been read: it is taken off the connection, for as long as Node lets a request take. */
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
      if (this.#isWanted) controller.error(new TypeError("The request breaks off")); // no-op behind "end"
    });
  }
}

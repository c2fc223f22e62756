import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";

const BAD_REQUEST = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>;

/**
 * Tracks the requests on each connection of a `node:http` server, so that those of one connection are handled
 * in their order, and the server can stop without losing an answer.
 *
 * The server's own `close` leaves a busy connection open, and disconnects one whose answer has ended but is
 * not sent completely.
 */
export class Connections {
  readonly #server: Server;
  /** Open connections with the answers that are due on each, in the order of the requests. */
  readonly #due = new Map<Socket, Set<ServerResponse>>();
  /** Promises that resolve when the last request on a connection is handled. */
  readonly #handled = new WeakMap<Socket, Promise<void>>();
  /** Connections whose client has been told that they close. */
  readonly #closing = new WeakSet<Socket>();
  #isDraining = false;
  #isStopping = false;

  constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#due.set(socket, new Set());
      socket.once("close", () => this.#due.delete(socket));
    });
    server.on("clientError", (_error, socket) => this.#refuse(socket as Socket));
  }

  /**
   * Handles a request after those before it on its connection. Node passes on all requests of one packet at
   * once, but they may change things (RFC 9112 §9.3.2). Drops a request that can no longer be answered
   * (§9.6).
   */
  take(incoming: IncomingMessage, outgoing: ServerResponse, listener: Listener): void {
    const { socket } = incoming;
    const due = this.#due.get(socket);
    if (due === undefined || this.#closing.has(socket)) return;
    due.add(outgoing);
    outgoing.once("close", () => {
      due.delete(outgoing);
      if (this.#isStopping && due.size === 0) socket.destroy();
    });
    if (this.#isDraining || !outgoing.shouldKeepAlive) this.#announce(socket, outgoing);
    const before = this.#handled.get(socket) ?? Promise.resolve();
    this.#handled.set(
      socket,
      before.then(() => (socket.destroyed ? undefined : listener(incoming, outgoing))),
    );
  }

  /** Closes each connection after the answer to its next request. */
  drain(): void {
    this.#isDraining = true;
  }

  /** Accepts no more connections, and closes each connection when no answer is due on it. */
  stop(): void {
    this.drain();
    this.#isStopping = true;
    NetServer.prototype.close.call(this.#server); // that of `node:http` would end unfinished answers
    for (const [socket, due] of this.#due) {
      const last = [...due].at(-1);
      if (last === undefined) socket.destroy();
      else this.#announce(socket, last);
    }
  }

  /** Answers 400 to bytes that are not HTTP, after the complete requests before them are answered. */
  #refuse(socket: Socket): void {
    this.#closing.add(socket);
    const end = () => {
      if (socket.writable) socket.end(BAD_REQUEST, () => socket.destroy());
      else socket.destroy();
    };
    const whole = [...(this.#due.get(socket) ?? [])].filter(({ req }) => req.complete);
    const last = whole.at(-1);
    if (last === undefined) end();
    else last.once("close", end);
  }

  /** Sets `Connection: close` on `outgoing`, if its head was not sent yet. */
  #announce(socket: Socket, outgoing: ServerResponse): void {
    if (outgoing.headersSent) return;
    outgoing.setHeader("connection", "close");
    this.#closing.add(socket);
  }
}

import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";

const BAD_REQUEST = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>;

/**
 * What is under way on each connection of a `node:http` server: so that requests on one are handled in their order,
 * and that it can stop without losing an answer.
 *
 * The server's own `close` leaves a connection open that was at work when it was called, and cuts one off whose
 * answer is ended but has not all been sent.
 */
export class Connections {
  readonly #server: Server;
  /** Every open connection with the answers that are due on it, in the order of their requests. */
  readonly #due = new Map<Socket, Set<ServerResponse>>();
  /** When the last request on a connection is handled. */
  readonly #handled = new WeakMap<Socket, Promise<void>>();
  /** Those whose client has been told that they close. */
  readonly #closing = new WeakSet<Socket>();
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
   * Has a request handled, behind those that came before it on its connection: Node hands on all that arrive in one
   * piece at once, but they may change things (RFC 9112 §9.3.2). Not if it could not be answered any more (§9.6).
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
    if (this.#isStopping || !outgoing.shouldKeepAlive) this.#announce(socket, outgoing);
    const before = this.#handled.get(socket) ?? Promise.resolve();
    this.#handled.set(
      socket,
      before.then(() => (socket.destroyed ? undefined : listener(incoming, outgoing))),
    );
  }

  /** Takes no more connections, and closes each there is as soon as nothing is due on it. */
  stop(): void {
    this.#isStopping = true;
    NetServer.prototype.close.call(this.#server); // that of `node:http` would cut answers off
    for (const [socket, due] of this.#due) {
      const last = [...due].at(-1);
      if (last === undefined) socket.destroy();
      else this.#announce(socket, last);
    }
  }

  /** Answers what is no HTTP with 400, but not before the requests in front of it, which are whole, are answered. */
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

  /** Has `outgoing` say that its connection closes behind it, if its head is not out yet. */
  #announce(socket: Socket, outgoing: ServerResponse): void {
    if (outgoing.headersSent) return;
    outgoing.setHeader("connection", "close");
    this.#closing.add(socket);
  }
}

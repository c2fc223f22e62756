import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";

/**
 * What is under way on each connection of a `node:http` server, so that it can stop without losing an answer.
 *
 * The server's own `close` leaves a connection open that was at work when it was called, and cuts one off whose
 * answer is ended but has not all been sent.
 */
export class Connections {
  readonly #server: Server;
  /** Every open connection with the answers that are due on it, in the order of their requests. */
  readonly #due = new Map<Socket, Set<ServerResponse>>();
  /** Those whose client has been told that they close. */
  readonly #closing = new WeakSet<Socket>();
  #isStopping = false;

  constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#due.set(socket, new Set());
      socket.once("close", () => this.#due.delete(socket));
    });
  }

  /** Notes a request; false if it must not be handled, as it could not be answered any more (RFC 9112 §9.6). */
  admit({ socket }: IncomingMessage, outgoing: ServerResponse): boolean {
    const due = this.#due.get(socket);
    if (due === undefined || this.#closing.has(socket)) return false;
    due.add(outgoing);
    outgoing.once("close", () => {
      due.delete(outgoing);
      if (this.#isStopping && due.size === 0) socket.destroy();
    });
    if (this.#isStopping) this.#announce(socket, outgoing);
    return true;
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

  /** Has `outgoing` say that its connection closes behind it, if its head is not out yet. */
  #announce(socket: Socket, outgoing: ServerResponse): void {
    if (outgoing.headersSent) return;
    outgoing.setHeader("connection", "close");
    this.#closing.add(socket);
  }
}

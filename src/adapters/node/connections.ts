import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { Server as NetServer, type Socket } from "node:net";

const BAD_REQUEST = "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n";

type Listener = (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void>;

interface Connection {
  /** Answers that are due, in the order of the requests. */
  readonly due: Set<ServerResponse>;
  /** Resolves when the last request is handled. */
  handled: Promise<void>;
  /** True if the client has been told that the connection closes. */
  isClosing: boolean;
}

/**
 * Passes the requests of a `node:http` server to a listener, those of one connection in their order, and
 * tracks them, so that the server can stop without losing an answer.
 *
 * The server's own `close` leaves a busy connection open, and disconnects one whose answer has ended but is
 * not sent completely.
 */
export class Connections {
  readonly #server: Server;
  readonly #open = new Map<Socket, Connection>();
  #isDraining = false;
  #isStopping = false;

  constructor(server: Server, listener: Listener) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#open.set(socket, { due: new Set(), handled: Promise.resolve(), isClosing: false });
      socket.once("close", () => this.#open.delete(socket));
    });
    server.on("request", (incoming, outgoing) => this.#take(incoming, outgoing, listener));
    server.on("clientError", (_error, socket) => this.#refuse(socket as Socket));
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
    for (const [socket, connection] of this.#open) {
      const last = [...connection.due].at(-1);
      if (last === undefined) socket.destroy();
      else announceClose(connection, last);
    }
  }

  /**
   * Handles a request after those before it on its connection. Node passes on all requests of one packet at
   * once, but they may change things (RFC 9112 §9.3.2). Drops a request that can no longer be answered
   * (§9.6).
   */
  #take(incoming: IncomingMessage, outgoing: ServerResponse, listener: Listener): void {
    const { socket } = incoming;
    const connection = this.#open.get(socket);
    if (connection === undefined || connection.isClosing) return;
    const { due, handled } = connection;
    due.add(outgoing);
    outgoing.once("close", () => {
      due.delete(outgoing);
      if (this.#isStopping && due.size === 0) socket.destroy();
    });
    if (this.#isDraining || !outgoing.shouldKeepAlive) announceClose(connection, outgoing);
    connection.handled = handled.then(() => (socket.destroyed ? undefined : listener(incoming, outgoing)));
  }

  /** Answers 400 to bytes that are not HTTP, after the complete requests before them are answered. */
  #refuse(socket: Socket): void {
    const end = () => {
      if (socket.writable) socket.end(BAD_REQUEST, () => socket.destroy());
      else socket.destroy();
    };
    const connection = this.#open.get(socket);
    if (connection === undefined) return end();
    connection.isClosing = true;
    const last = [...connection.due].findLast(({ req }) => req.complete);
    if (last === undefined) end();
    else last.once("close", end);
  }
}

/** Sets `Connection: close` on `outgoing`, if its head was not sent yet. */
function announceClose(connection: Connection, outgoing: ServerResponse): void {
  if (outgoing.headersSent) return;
  outgoing.setHeader("connection", "close");
  connection.isClosing = true;
}

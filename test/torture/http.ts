import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A reply of a server. */
export interface HttpAnswer {
  status: number;
  body: string;
}

/** Body and key of a request. */
export interface Content {
  body?: string;
  key?: string | undefined;
}

/**
 * A connection that sends requests one by one, each once. `fetch` may retry by itself when a connection
 * breaks, and the request arrives twice.
 */
export class Http {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #waiting: ((answer: HttpAnswer | undefined) => void) | undefined;
  isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (data: Buffer) => this.#receive(data));
    socket.on("error", () => this.close());
    socket.on("close", () => this.close());
  }

  /** Connects to `url`; returns `undefined` if the connection is refused. */
  static async to(url: string): Promise<Http | undefined> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    socket.setNoDelay(true);
    try {
      await once(socket, "connect");
      return new Http(socket);
    } catch {
      return undefined;
    }
  }

  /**
   * Sends a request, and returns the reply; `undefined` if the connection broke, so that the outcome is
   * unknown.
   */
  async ask(method: string, path: string, { body = "", key }: Content = {}): Promise<HttpAnswer | undefined> {
    if (this.isClosed) return undefined;
    const keyed = key === undefined ? "" : `Idempotency-Key: ${key}\r\n`;
    const typed = body === "" ? "" : "Content-Type: text/plain\r\n";
    const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\n${keyed}${typed}`;
    const answer = new Promise<HttpAnswer | undefined>((resolve) => {
      this.#waiting = resolve;
    });
    this.#socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
    return await answer;
  }

  close(): void {
    this.isClosed = true;
    this.#socket.destroy();
    this.#waiting?.(undefined);
    this.#waiting = undefined;
  }

  #receive(data: Buffer): void {
    this.#received = this.#received.length === 0 ? data : Buffer.concat([this.#received, data]);
    const answer = parse(this.#received);
    if (answer === undefined) return;
    this.#received = Buffer.alloc(0);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(answer);
  }
}

/** Parses a reply; returns `undefined` while it is incomplete. */
function parse(received: Buffer): HttpAnswer | undefined {
  const end = received.indexOf("\r\n\r\n");
  if (end === -1) return undefined;
  const head = received.toString("latin1", 0, end);
  const status = Number(head.slice("HTTP/1.1 ".length).slice(0, 3));
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const rest = received.subarray(end + 4);
  if (length === undefined) {
    const isWhole = rest.toString("latin1", Math.max(0, rest.length - 7)).endsWith("0\r\n\r\n");
    return isWhole ? { status, body: unchunk(rest.toString("latin1")) } : undefined;
  }
  return rest.length < Number(length) ? undefined : { status, body: rest.toString("latin1") };
}

/** Decodes chunks. The text is ASCII, as all ids here are. */
function unchunk(chunks: string): string {
  let text = "";
  for (let at = 0; ;) {
    const end = chunks.indexOf("\r\n", at);
    const size = Number.parseInt(chunks.slice(at, end), 16);
    if (size === 0) return text;
    text += chunks.slice(end + 2, end + 2 + size);
    at = end + 2 + size + 2;
  }
}

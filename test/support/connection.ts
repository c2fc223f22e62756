import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A TCP connection to a server. A test sends and reads its bytes as text with one character a byte. */
export class Connection {
  readonly #socket: Socket;
  #received = "";
  #bytes = 0;
  #isClosed = false;
  #isBroken = false;
  #changed = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    const notify = () => {
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    };
    socket.on("data", (data) => {
      this.#bytes += data.length;
      this.#received = (this.#received + data.toString("latin1")).slice(-100_000);
      notify();
    });
    socket.on("error", () => {
      this.#isBroken = true;
    });
    socket.on("close", () => {
      this.#isClosed = true;
      notify();
    });
  }

  /** Connects to the server of `url`. */
  static async to(url: string): Promise<Connection> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname.replace(/[[\]]/g, ""));
    const connection = new Connection(socket);
    await once(socket, "connect");
    return connection;
  }

  get localPort(): number {
    return this.#socket.localPort ?? 0;
  }

  /** The last 100,000 bytes received and not read. */
  get received(): string {
    return this.#received;
  }

  /** Number of bytes received. */
  get bytes(): number {
    return this.#bytes;
  }

  /** True if the connection ended with an error. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  send(bytes: string): void {
    this.#socket.write(bytes, "latin1");
  }

  /** Ends the sending side. The receiving side stays open. */
  end(): void {
    this.#socket.end();
  }

  /** Number of bytes that neither the server nor the buffers in between have accepted. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  /** Stops reading. The buffers in between fill up, until the server cannot send. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /**
   * Waits until `isEnough` returns true for the unread text, and returns that; false if the connection closes
   * first.
   */
  async read(isEnough: (received: string) => boolean): Promise<string | false> {
    while (!isEnough(this.#received)) {
      if (this.#isClosed) return false;
      await this.#changed.promise;
    }
    const taken = this.#received;
    this.#received = "";
    return taken;
  }

  /** Waits until the connection is closed, and returns the unread text. */
  async readToEnd(): Promise<string> {
    while (!this.#isClosed) await this.#changed.promise;
    return this.#received;
  }

  /** Closes the connection at once, and drops everything unsent. */
  destroy(): void {
    this.#socket.destroy();
  }
}

/** Returns true if a response is complete, by its Content-Length or its last chunk. */
export function isWhole(received: string): boolean {
  const [head = "", body] = received.split(/\r\n\r\n(.*)/s);
  if (body === undefined) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  return length === undefined ? body.endsWith("0\r\n\r\n") : body.length >= Number(length);
}

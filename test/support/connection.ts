import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** A TCP connection to a server, whose bytes the test sends and reads itself, one byte a character. */
export class Connection {
  readonly #socket: Socket;
  #received = "";
  #bytes = 0;
  #isClosed = false;
  #isBroken = false;
  #changed = Promise.withResolvers<void>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    const tell = () => {
      this.#changed.resolve();
      this.#changed = Promise.withResolvers();
    };
    socket.on("data", (data) => {
      this.#bytes += data.length;
      this.#received = (this.#received + data.toString("latin1")).slice(-100_000);
      tell();
    });
    socket.on("error", () => {
      this.#isBroken = true;
    });
    socket.on("close", () => {
      this.#isClosed = true;
      tell();
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

  /** What came and was not taken yet; its last 100,000 bytes if it is longer. */
  get received(): string {
    return this.#received;
  }

  /** How many bytes came. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the connection ended by an error. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  send(bytes: string): void {
    this.#socket.write(bytes, "latin1");
  }

  /** Says that nothing more is sent; what comes is read. */
  end(): void {
    this.#socket.end();
  }

  /** How many of the bytes that were to be sent the other side, and the buffers in between, have not taken. */
  get unsent(): number {
    return this.#socket.writableLength;
  }

  /** Reads no more: what the server sends fills the buffers in between, until it can send no more. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Waits until `enough` is true of what was received, takes that, and tells; `false` if the connection closes before. */
  async read(enough: (received: string) => boolean): Promise<string | false> {
    while (!enough(this.#received)) {
      if (this.#isClosed) return false;
      await this.#changed.promise;
    }
    const taken = this.#received;
    this.#received = "";
    return taken;
  }

  /** Waits until the connection is closed, and gives what was received and not taken. */
  async readToEnd(): Promise<string> {
    while (!this.#isClosed) await this.#changed.promise;
    return this.#received;
  }

  /** Ends it at once, whatever is on its way. */
  destroy(): void {
    this.#socket.destroy();
  }
}

/** Whether an answer is there, all of it: as long as it says, or up to the last chunk. */
export function isWhole(received: string): boolean {
  const [head = "", body] = received.split(/\r\n\r\n(.*)/s);
  if (body === undefined) return false;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  return length === undefined ? body.endsWith("0\r\n\r\n") : body.length >= Number(length);
}

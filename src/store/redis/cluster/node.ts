import { Connection, type ConnectionOptions } from "./connection.ts";
import { NotDone } from "./failures.ts";

/** Milliseconds until the next attempt to connect: the first delay, and the longest. */
const [FIRST_DELAY, LONGEST_DELAY] = [20, 1000];

const UNREACHABLE = "it cannot be reached";

/** One server with one connection, which is opened again whenever it was closed. */
export class Node {
  /** `host:port`. */
  readonly address: string;
  /** Time at which the server last owned a slot, by `performance.now()`. */
  neededAt: number = performance.now();
  /** The reason why the server is unavailable. */
  trouble: string | undefined = "it has not been reached yet";
  readonly #options: ConnectionOptions;
  readonly #onChange: () => void;
  #connection: Connection | undefined;
  #isClosed = false;

  /** `onChange` is called whenever the server is lost or reconnected. */
  constructor(address: string, options: ConnectionOptions, onChange: () => void) {
    this.address = address;
    this.#options = options;
    this.#onChange = onChange;
    void this.#supervise();
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** @throws {NotDone} if nothing was sent, {Lost} without an answer, {ErrorReply} for an error of Redis. */
  send(command: string, args: string[]): Promise<unknown> {
    return this.#connection === undefined
      ? Promise.reject(new NotDone(this.trouble ?? UNREACHABLE))
      : this.#connection.send(command, args);
  }

  close(): void {
    this.#isClosed = true;
    this.#connection?.close();
  }

  async #supervise(): Promise<void> {
    for (let delay = FIRST_DELAY; !this.#isClosed;) {
      try {
        const connection = await Connection.open(this.address, this.#options);
        delay = FIRST_DELAY;
        if (this.#isClosed) return connection.close();
        this.#connection = connection;
        this.#set(undefined);
        await connection.closed;
        this.#set(UNREACHABLE);
      } catch (error) {
        this.#set(error instanceof Error ? error.message : UNREACHABLE);
      }
      this.#connection = undefined;
      if (!this.#isClosed) await Bun.sleep(delay * (0.5 + Math.random() / 2));
      delay = Math.min(2 * delay, LONGEST_DELAY);
    }
  }

  #set(trouble: string | undefined): void {
    this.trouble = trouble;
    if (!this.#isClosed) this.#onChange();
  }
}

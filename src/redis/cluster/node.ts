import { Connection, type ConnectionOptions } from "./connection.ts";
import { ErrorReply, NotDone, refusalOf } from "./failures.ts";

/** Milliseconds between two looks at how a server is. */
const HEARTBEAT = 250;
/** Milliseconds until a lost server is tried again: at first, and at most. */
const [FIRST_DELAY, LONGEST_DELAY] = [20, 1000];

/** One server, and the one connection to it: a new one is opened whenever the last one was closed. */
export class Node {
  /** `host:port`. */
  readonly address: string;
  readonly #options: ConnectionOptions;
  readonly #onChange: () => void;
  #connection: Connection | undefined;
  #trouble: string | undefined = "it was not reached yet";
  #isClosed = false;

  /** `onChange` is called whenever it is lost, or back. */
  constructor(address: string, options: ConnectionOptions, onChange: () => void) {
    this.address = address;
    this.#options = options;
    this.#onChange = onChange;
    void this.#supervise();
  }

  /** Why nothing can be done with it for now. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** @throws {NotDone} if it was not sent, {Lost} if it was and no answer came; {ErrorReply}. */
  send(command: string, args: string[]): Promise<unknown> {
    return this.#connection === undefined
      ? Promise.reject(new NotDone(this.#trouble ?? "it cannot be reached"))
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
        await this.#watch(connection);
      } catch (error) {
        this.#set(error instanceof Error ? error.message : "it cannot be reached");
      }
      this.#connection = undefined;
      if (!this.#isClosed) await Bun.sleep(delay * (0.5 + Math.random() / 2));
      delay = Math.min(2 * delay, LONGEST_DELAY);
    }
  }

  /** Until the connection is closed. */
  async #watch(connection: Connection): Promise<void> {
    for (;;) {
      const trouble = await connection.send("PING", []).then(() => undefined, troubleOf);
      if (connection !== this.#connection) return;
      this.#set(trouble);
      const timer = Bun.sleep(HEARTBEAT);
      if (await Promise.race([connection.closed.then(() => true), timer.then(() => false)])) break;
    }
    this.#connection = undefined;
    this.#set("it cannot be reached");
  }

  #set(trouble: string | undefined): void {
    if (trouble === this.#trouble || this.#isClosed) return;
    this.#trouble = trouble;
    this.#onChange();
  }
}

function troubleOf(error: unknown): string | undefined {
  return error instanceof ErrorReply ? (refusalOf(error.code) ?? error.message) : "it cannot be reached";
}

import { Connection, type ConnectionOptions } from "./connection.ts";
import { NotDone } from "./failures.ts";

/** Milliseconds until a lost server is tried again: at first, and at most. */
const [FIRST_DELAY, LONGEST_DELAY] = [20, 1000];

const UNREACHABLE = "it cannot be reached";

/** One server, and the one connection to it: a new one is opened whenever the last one was closed. */
export class Node {
  /** `host:port`. */
  readonly address: string;
  /** When it was last known to be of use. */
  neededAt: number = performance.now();
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
      ? Promise.reject(new NotDone(this.#trouble ?? UNREACHABLE))
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
    this.#trouble = trouble;
    if (!this.#isClosed) this.#onChange();
  }
}

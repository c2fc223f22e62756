import { connect } from "./connection.ts";
import { ErrorReply, Lost, NotDone } from "./failures.ts";
import type { ConnectionOptions } from "./options.ts";

/** Milliseconds until the next attempt to connect: the first delay, and the longest. */
const [FIRST_DELAY, LONGEST_DELAY] = [20, 1000];

const UNREACHABLE = "it cannot be reached";

/**
 * One server with one connection, which is opened again whenever it was closed. No command is sent twice, so
 * it is known of each whether it was sent.
 *
 * Redis answers commands in order. When an answer exceeds the timeout, the connection is closed with all its
 * pending commands: the answers after it would be late as well.
 */
export class Node {
  /** `host:port`. */
  readonly address: string;
  /** Time at which the server last owned a slot, by `performance.now()`. */
  neededAt: number = performance.now();
  /** The reason why the server is unavailable; `undefined` while it is connected. */
  trouble: string | undefined = "it has not been reached yet";
  readonly #options: ConnectionOptions;
  readonly #onChange: () => void;
  #client: Bun.RedisClient | undefined;
  /** The commands without an answer, the oldest first. */
  readonly #pending = new Set<{ since: number }>();
  #isClosed = false;

  /** `onChange` is called whenever the server is lost or reconnected. */
  constructor(address: string, options: ConnectionOptions, onChange: () => void) {
    this.address = address;
    this.#options = options;
    this.#onChange = onChange;
    void this.#supervise();
  }

  /** @throws {NotDone} if nothing was sent, {Lost} without an answer, {ErrorReply} for an error of Redis. */
  async send(command: string, args: string[]): Promise<unknown> {
    const client = this.#client;
    if (!client?.connected) throw new NotDone(this.trouble ?? UNREACHABLE);
    const pending = { since: performance.now() };
    this.#pending.add(pending);
    try {
      return await client.send(command, args);
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      if (code === "ERR_REDIS_SERVER_ERROR") throw new ErrorReply(message);
      queueMicrotask(() => client.close()); // after an invalid answer, none can be matched to its command
      throw new Lost();
    } finally {
      this.#pending.delete(pending);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#client?.close();
  }

  async #supervise(): Promise<void> {
    for (let delay = FIRST_DELAY; !this.#isClosed;) {
      try {
        const client = await connect(this.address, this.#options);
        delay = FIRST_DELAY;
        if (this.#isClosed) return client.close();
        this.#client = client;
        this.#set(undefined);
        await this.#closed(client);
        this.#set(UNREACHABLE);
      } catch (error) {
        this.#set(error instanceof Error ? error.message : UNREACHABLE);
      }
      this.#client = undefined;
      if (!this.#isClosed) await Bun.sleep(delay * (0.5 + Math.random() / 2));
      delay = Math.min(2 * delay, LONGEST_DELAY);
    }
  }

  /** Resolves when the connection is closed. Closes it, with its pending commands, if an answer is late. */
  async #closed(client: Bun.RedisClient): Promise<void> {
    const { timeout } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    client.onclose = () => resolve();
    const checkTime = () => {
      const [oldest] = this.#pending;
      if (oldest !== undefined && performance.now() - oldest.since > timeout) client.close();
    };
    const timer = setInterval(checkTime, Math.max(5, timeout / 8));
    await promise;
    clearInterval(timer);
  }

  #set(trouble: string | undefined): void {
    this.trouble = trouble;
    if (!this.#isClosed) this.#onChange();
  }
}

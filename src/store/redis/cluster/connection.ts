import { diagnose } from "./diagnosis.ts";
import { ErrorReply, Lost, NotDone } from "./failures.ts";

/** Options of the connections to all servers. */
export interface ConnectionOptions {
  isEncrypted: boolean;
  user: string;
  password: string;
  /** Number of the database, 0 in a cluster. */
  database: number;
  /** Milliseconds that a server may take to answer. */
  timeout: number;
}

interface Pending {
  since: number;
  reject: (error: Error) => void;
}

/**
 * One connection to one server. It never reconnects and never sends a command twice, so it is known of each
 * command whether it was sent.
 *
 * Redis answers commands in order. When an answer exceeds the timeout, the connection is closed with all its
 * pending commands: the answers after it would be late as well.
 */
export class Connection {
  readonly #client: Bun.RedisClient;
  readonly #pending = new Set<Pending>();
  readonly #timer: ReturnType<typeof setInterval>;
  /** Resolves when the connection is closed, for any reason. */
  readonly closed: Promise<void>;
  #close: () => void = () => {};

  private constructor(client: Bun.RedisClient, timeout: number) {
    this.#client = client;
    this.closed = new Promise((resolve) => (this.#close = resolve));
    client.onclose = () => this.close();
    this.#timer = setInterval(() => this.#checkTime(timeout), Math.max(5, timeout / 8));
  }

  /** @throws {NotDone} with the reason why the server cannot be used. */
  static async open(address: string, options: ConnectionOptions): Promise<Connection> {
    const client = new Bun.RedisClient(urlOf(address, options), {
      autoReconnect: false,
      enableOfflineQueue: false,
      connectionTimeout: options.timeout,
    });
    try {
      await client.connect();
    } catch {
      client.close();
      throw new NotDone(await diagnose(address, options));
    }
    try {
      await client.send("PING", []);
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      // A server that is loading answers with an error, too. A missing database is reported with another
      // code.
      if (code !== "ERR_REDIS_SERVER_ERROR") {
        client.close();
        throw new NotDone(message);
      }
    }
    return new Connection(client, options.timeout);
  }

  /** @throws {NotDone} if nothing was sent, {Lost} without an answer, {ErrorReply} for an error of Redis. */
  send(command: string, args: string[]): Promise<unknown> {
    if (!this.#client.connected) return Promise.reject(new NotDone("it cannot be reached"));
    return new Promise((resolve, reject) => {
      const pending: Pending = { since: performance.now(), reject };
      this.#pending.add(pending);
      this.#client.send(command, args).then(
        (reply: unknown) => {
          this.#pending.delete(pending);
          resolve(reply);
        },
        (error: { code?: string; message: string }) => {
          this.#pending.delete(pending);
          reject(error.code === "ERR_REDIS_SERVER_ERROR" ? new ErrorReply(error.message) : this.#lose());
        },
      );
    });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#client.onclose = null;
    this.#client.close();
    for (const { reject } of this.#pending) reject(new Lost());
    this.#pending.clear();
    this.#close();
  }

  /** Closes the connection after an invalid answer: the following answers cannot be matched to commands. */
  #lose(): Lost {
    queueMicrotask(() => this.close());
    return new Lost();
  }

  #checkTime(timeout: number): void {
    const [oldest] = this.#pending;
    if (oldest !== undefined && performance.now() - oldest.since > timeout) this.close();
  }
}

function urlOf(address: string, { isEncrypted, user, password, database }: ConnectionOptions): string {
  const [name, word] = [user, password].map(encodeURIComponent);
  const credentials = user === "" && password === "" ? "" : `${name}:${word}@`;
  return `${isEncrypted ? "rediss" : "redis"}://${credentials}${address}/${database}`;
}

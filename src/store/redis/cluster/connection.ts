import { ErrorReply, Lost, NotDone } from "./failures.ts";

/** How servers are reached. */
export interface ConnectionOptions {
  isEncrypted: boolean;
  user: string;
  password: string;
  /** Number of the database; 0 in a cluster. */
  database: number;
  /** How long a server may take to answer, in milliseconds. */
  timeout: number;
}

interface Pending {
  since: number;
  reject: (error: Error) => void;
}

/**
 * One connection to one server, for as long as that lives: it never reconnects by itself and sends nothing twice, so
 * that of each command it is known whether it was sent.
 *
 * Commands are answered in their order. If an answer takes longer than the timeout the connection is given up, and
 * with it all commands under way: what comes behind that answer would be late as well.
 */
export class Connection {
  readonly #client: Bun.RedisClient;
  readonly #pending = new Set<Pending>();
  readonly #timer: ReturnType<typeof setInterval>;
  /** Resolves when it is closed, for whatever reason. */
  readonly closed: Promise<void>;
  #close: () => void = () => {};

  private constructor(client: Bun.RedisClient, timeout: number) {
    this.#client = client;
    this.closed = new Promise((resolve) => (this.#close = resolve));
    client.onclose = () => this.close();
    this.#timer = setInterval(() => this.#checkTime(timeout), Math.max(5, timeout / 8));
  }

  /** @throws {NotDone} if the server cannot be reached, or does not take the password. */
  static async open(address: string, options: ConnectionOptions): Promise<Connection> {
    const client = new Bun.RedisClient(urlOf(address, options), {
      autoReconnect: false,
      enableOfflineQueue: false,
      connectionTimeout: options.timeout,
    });
    try {
      await client.connect();
    } catch (error) {
      client.close();
      const { code, message } = error as { code?: string; message?: string };
      const isClosed = code === "ERR_REDIS_CONNECTION_CLOSED";
      throw new NotDone(
        isClosed ? "it cannot be reached, or lets nobody in with this password, or by TLS" : String(message),
      );
    }
    try {
      await client.send("PING", []);
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      // It is there, and may say for now that it is loading, say. Of a database that there is not, Bun says it is no command.
      if (code !== "ERR_REDIS_SERVER_ERROR") {
        client.close();
        throw new NotDone(message);
      }
    }
    return new Connection(client, options.timeout);
  }

  /** @throws {NotDone} if it was not sent, {Lost} if it was and no answer came; {ErrorReply}. */
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

  /** An answer that is none: what comes behind it cannot be told apart. */
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

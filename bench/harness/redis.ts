import { RedisClient } from "bun";
import { type Child, end, spawn } from "./children.ts";
import { playcount } from "./playcount.ts";
import { redisCommand, untilListening, webdisCommand } from "./redis-programs.ts";
import { freePort, type RunningServer, start, sendRequest } from "./server.ts";

const TRIES_UNTIL_HEALTHY = 500;

/** A Redis in memory only, with the servers that use it. Disposing it ends all of them. */
export class Redis implements Disposable {
  readonly child: Child<"ignore">;
  readonly port: number;
  readonly #folder: string;
  readonly #client: RedisClient;
  readonly #servers: RunningServer[] = [];

  private constructor(child: Child<"ignore">, port: number, folder: string) {
    this.child = child;
    this.port = port;
    this.#folder = folder;
    this.#client = new RedisClient(`redis://127.0.0.1:${port}`);
  }

  /** Starts a Redis, and resolves when it listens. `folder` is for its files. */
  static async start(folder: string): Promise<Redis> {
    const port = await freePort();
    const child = spawn(redisCommand(port, folder), { stdout: "ignore" });
    try {
      await untilListening(port);
      return new Redis(child, port, folder);
    } catch (error) {
      end(child);
      throw error;
    }
  }

  /** Starts a playcount with this store and a key prefix, and resolves when it is healthy. */
  async startPlaycount(prefix: string, ...options: string[]): Promise<RunningServer> {
    const store = ["--store", `redis://127.0.0.1:${this.port}`, "--store-prefix", prefix];
    const server = await start({ name: `playcount ${prefix}`, command: playcount(...store, ...options) });
    this.#servers.push(server);
    for (let tries = 1; (await sendRequest(`${server.url}/health`)).status !== 200; tries++) {
      if (tries === TRIES_UNTIL_HEALTHY) throw new Error(`${server.name} listens, but is not healthy`);
      await Bun.sleep(10);
    }
    return server;
  }

  /** Starts a webdis in front of this Redis. */
  async startWebdis(): Promise<RunningServer> {
    const server = await start({
      name: "webdis",
      command: (port) => webdisCommand(port, this.port, this.#folder),
    });
    this.#servers.push(server);
    return server;
  }

  /** Returns `used_memory`, in bytes. */
  async usedMemory(): Promise<number> {
    const info = (await this.#client.send("INFO", ["memory"])) as string;
    return Number(/^used_memory:(\d+)/m.exec(info)?.[1] ?? Number.NaN);
  }

  /** Sets every key to `value`. */
  async set(keys: readonly string[], value: string): Promise<void> {
    await this.#client.send(
      "MSET",
      keys.flatMap((key) => [key, value]),
    );
  }

  /** Returns the sum of the numbers of all `keys`. */
  async sum(keys: readonly string[]): Promise<number> {
    const values = (await this.#client.send("MGET", [...keys])) as (string | null)[];
    return values.reduce((sum, value) => sum + Number(value), 0);
  }

  [Symbol.dispose](): void {
    this.#client.close();
    for (const { child } of this.#servers) end(child);
    end(this.child);
  }
}

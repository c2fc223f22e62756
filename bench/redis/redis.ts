import { RedisClient } from "bun";
import { type Child, end, spawn } from "../children.ts";
import { playcount } from "../playcount.ts";
import { redisCommand, untilListening, webdisCommand } from "../redis-programs.ts";
import { ask, freePort, type RunningServer, start } from "../server.ts";

const TRIES_UNTIL_HEALTHY = 500;

/** A Redis that keeps nothing, and what is in front of it. All that was started ends with it. */
export class Redis implements Disposable {
  readonly child: Child<"ignore">;
  readonly #port: number;
  readonly #folder: string;
  readonly #client: RedisClient;
  readonly #fronts: RunningServer[] = [];

  private constructor(child: Child<"ignore">, port: number, folder: string) {
    this.child = child;
    this.#port = port;
    this.#folder = folder;
    this.#client = new RedisClient(`redis://127.0.0.1:${port}`);
  }

  /** Starts one that listens. */
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

  /** Starts a playcount that has its counts here, under keys that begin with `prefix`, and can count. */
  async startPlaycount(prefix: string, ...options: string[]): Promise<RunningServer> {
    const store = ["--store", `redis://127.0.0.1:${this.#port}`, "--store-prefix", prefix];
    const server = await start({ name: `playcount ${prefix}`, command: playcount(...store, ...options) });
    this.#fronts.push(server);
    for (let tries = 1; (await ask(`${server.url}/health`)).status !== 200; tries++) {
      if (tries === TRIES_UNTIL_HEALTHY) throw new Error(`${server.name} listens, and cannot count`);
      await Bun.sleep(10);
    }
    return server;
  }

  /** Starts a webdis that asks this. */
  async startWebdis(): Promise<RunningServer> {
    const server = await start({
      name: "webdis",
      command: (port) => webdisCommand(port, this.#port, this.#folder),
    });
    this.#fronts.push(server);
    return server;
  }

  /** Bytes of all that is in it. */
  async usedMemory(): Promise<number> {
    const info = (await this.#client.send("INFO", ["memory"])) as string;
    return Number(/^used_memory:(\d+)/m.exec(info)?.[1] ?? Number.NaN);
  }

  /** Gives keys a value each. */
  async set(keys: readonly string[], value: string): Promise<void> {
    await this.#client.send(
      "MSET",
      keys.flatMap((key) => [key, value]),
    );
  }

  /** The sum of what keys have, which are numbers. */
  async sum(keys: readonly string[]): Promise<number> {
    const values = (await this.#client.send("MGET", [...keys])) as (string | null)[];
    return values.reduce((sum, value) => sum + Number(value), 0);
  }

  [Symbol.dispose](): void {
    this.#client.close();
    for (const { child } of this.#fronts) end(child);
    end(this.child);
  }
}

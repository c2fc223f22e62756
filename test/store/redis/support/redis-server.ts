import { test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lacks } from "../../../support/extent.ts";
import { askRedis, fieldOf } from "./ask-redis.ts";
import { stopLater } from "./clean-up.ts";
import { freePort } from "../../../support/ports.ts";
import type { Reply } from "./resp.ts";
import { until } from "./until.ts";

/** True where tests on Redis are skipped. */
export const lacksRedis: boolean = lacks("redis-server", "redis-cli");

/** A test that needs Redis. */
export const testWithRedis: typeof test = lacksRedis ? (test.skip as typeof test) : test;

/** Options of every server: no persistence, and debug commands for the tests. */
const ALWAYS = ["--save", "", "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"];

/** Attempts to start on a port that another process may have taken. */
const TRIES = 5;

/** A Redis server with its own port and folder. */
export class RedisServer {
  readonly port: number;
  /** Port for the other nodes of its cluster. */
  readonly busPort: number;
  readonly folder: string = mkdtempSync(join(tmpdir(), "playcount-redis-"));
  readonly #options: readonly string[];
  #process: Bun.Subprocess | undefined;

  private constructor(port: number, busPort: number, options: readonly string[]) {
    this.port = port;
    this.busPort = busPort;
    this.#options = options;
    stopLater(this);
  }

  /** Starts a server with options of `redis-server`, which may depend on its ports. */
  static async start(
    options: readonly string[] | ((port: number, busPort: number) => readonly string[]) = [],
  ): Promise<RedisServer> {
    for (let tries = 1; ; tries++) {
      const [port, busPort] = [await freePort(), await freePort()];
      const words = typeof options === "function" ? options(port, busPort) : options;
      const server = new RedisServer(port, busPort, words);
      try {
        await server.start();
        return server;
      } catch (error) {
        await server.stop();
        if (tries === TRIES) throw error;
      }
    }
  }

  /** Starts the process, with the data of an earlier run. By default waits until the data is loaded. */
  async start(isLoadedFirst: boolean = true, ...more: string[]): Promise<void> {
    const { port, folder } = this;
    const where = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--logfile", "log"];
    const words = ["redis-server", ...where, ...ALWAYS, ...this.#options, ...more];
    const child = Bun.spawn(words, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
    this.#process = child;
    const state = await until(`redis-server on port ${port}`, async () => {
      if (child.exitCode !== null) return "ended";
      const info = await this.ask("INFO", "server", "persistence");
      const isIt = fieldOf(info, "process_id") === String(child.pid); // the port may be another's
      return isIt && (!isLoadedFirst || fieldOf(info, "loading") === "0");
    });
    if (state === "ended") throw new Error(`redis-server ended: ${this.log()}`);
  }

  /** `host:port` for a `redis://` URL. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  ask(...words: (string | number)[]): Promise<Reply> {
    return askRedis(this.port, ...words);
  }

  /** Returns a field of the reply to `INFO`. */
  async info(name: string): Promise<string | undefined> {
    return fieldOf(await this.ask("INFO", "everything"), name);
  }

  /** Kills the process. */
  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }

  /** Terminates the process, as an operator does. */
  async end(): Promise<void> {
    this.#process?.kill("SIGTERM");
    await this.#process?.exited;
  }

  /** Stops the process: the system still accepts connections, and nothing is answered. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** Returns its log. */
  log(): string {
    return readFileSync(join(this.folder, "log"), "utf8");
  }

  /** Kills the process, and removes its data. */
  async stop(): Promise<void> {
    this.#process?.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true }); // at once, as a process that exits does not wait
    await this.#process?.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

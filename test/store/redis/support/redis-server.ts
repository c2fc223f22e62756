import { test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { askRedis, fieldOf } from "./ask-redis.ts";
import { stopLater } from "./clean-up.ts";
import { freePort } from "./ports.ts";
import type { Reply } from "./resp.ts";
import { until } from "./until.ts";

const isThere = Bun.which("redis-server") !== null && Bun.which("redis-cli") !== null;

/** A test that needs Redis: skipped where there is none, but not by CI. */
export const testWithRedis: typeof test = isThere || process.env["CI"] === "true" ? test : skip();

/** Nothing is kept unless told, and a test may stop it for a while and the like. */
const ALWAYS = ["--save", "", "--enable-debug-command", "yes", "--repl-diskless-sync-delay", "0"];

/** So many ports are tried that somebody else has meanwhile. */
const TRIES = 5;

/** A Redis on a port and in a folder of its own. */
export class RedisServer {
  readonly port: number;
  /** Where other nodes of its cluster reach it. */
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

  /** Starts one with these options of `redis-server`, which may depend on its ports. */
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

  /** Starts it, again perhaps, with what it has kept; while it loads that, it answers already, unless told to wait. */
  async start(isLoadedFirst: boolean = true, ...more: string[]): Promise<void> {
    const { port, folder } = this;
    const where = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--logfile", "log"];
    const words = ["redis-server", ...where, ...ALWAYS, ...this.#options, ...more];
    const child = Bun.spawn(words, { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
    this.#process = child;
    const state = await until(`redis-server on port ${port}`, async () => {
      if (child.exitCode !== null) return "ended";
      const info = await this.ask("INFO", "server", "persistence");
      const isIt = fieldOf(info, "process_id") === String(child.pid); // and not somebody else's
      return isIt && (!isLoadedFirst || fieldOf(info, "loading") === "0");
    });
    if (state === "ended") throw new Error(`redis-server ended: ${this.log()}`);
  }

  /** The part of a `redis://` URL that names it. */
  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  ask(...words: (string | number)[]): Promise<Reply> {
    return askRedis(this.port, ...words);
  }

  /** A field of what `INFO` says. */
  async info(name: string): Promise<string | undefined> {
    return fieldOf(await this.ask("INFO", "everything"), name);
  }

  /** Kills it, at once. */
  async kill(): Promise<void> {
    this.#process?.kill("SIGKILL");
    await this.#process?.exited;
  }

  /** Ends it, as an operator does. */
  async end(): Promise<void> {
    this.#process?.kill("SIGTERM");
    await this.#process?.exited;
  }

  /** Has it stand still: connections are taken, by the system, and nothing is answered. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** What it has written about itself. */
  log(): string {
    return readFileSync(join(this.folder, "log"), "utf8");
  }

  /** Kills it, and removes what it has kept. */
  async stop(): Promise<void> {
    this.#process?.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true }); // at once, as a process that exits does not wait
    await this.#process?.exited;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function skip(): typeof test {
  console.warn("Tests on Redis are skipped: they need redis-server and redis-cli.");
  return test.skip as typeof test;
}

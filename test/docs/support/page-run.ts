import { mkdir } from "node:fs/promises";
import { connect } from "node:net";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { lacksRedis, RedisServer } from "../../store/redis/support/redis-server.ts";
import { freePort } from "../../support/ports.ts";
import { servePlaycount } from "../../support/servers.ts";
import { commandsOf, normalize } from "./console.ts";
import { type Block, fileNameOf } from "./pages.ts";
import { commandOf, environmentOf, withAssertions } from "./programs.ts";

/** A port that a page names: every page has fresh servers in the place of these. */
const PORT = /\b(?:80\d\d|6379)\b/g;

/** The port of Redis. */
const REDIS = "6379";

const START_MS = 120_000;

/**
 * Runs the blocks of one page in their order.
 *
 * Starts a server for each port that the page names. Blocks with the note `run: server` start servers
 * themselves, which go on until {@linkcode stop}.
 */
export class PageRun {
  readonly #project: string;
  readonly #folder: string;
  readonly #ports = new Map<string, string>();
  readonly #servers: Bun.Subprocess[] = [];

  constructor(project: string, name: string) {
    this.#project = project;
    this.#folder = join(project, name.replace(/\W+/g, "-"));
  }

  /** Chooses the ports, and starts the servers that no block starts. */
  async start(blocks: readonly Block[]): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const all = blocks.map(({ text }) => text).join("\n");
    const own = new Set(blocks.filter(isServer).flatMap(({ text }) => portsOf(text, "8000")));
    for (const port of new Set(portsOf(all)))
      this.#ports.set(port, own.has(port) ? String(await freePort()) : await startServer(port));
    for (const port of own) if (!this.#ports.has(port)) this.#ports.set(port, String(await freePort()));
  }

  /** Runs a block. One that needs Redis is skipped on a machine without it. */
  async run(block: Block): Promise<void> {
    if (lacksRedis && portsOf(block.text).includes(REDIS)) return;
    const text = this.#withPorts(block.text);
    if (isServer(block)) return await this.#startServer(block, text);
    if (block.language === "console") {
      for (const { command, output } of commandsOf(text)) {
        const printed = normalize(await this.#execute(["bash", "-c", command]));
        if (printed !== output)
          throw new Error(`$ ${command}\nprinted\n${printed}\nbut the page has\n${output}`);
      }
    } else if (block.language === "sh") await this.#execute(["bash", "-euo", "pipefail", "-c", text]);
    else if (block.language === "ts") {
      const path = await this.#save(block, text);
      if (!/^export /m.test(text)) await this.#execute([...commandOf(text), path]);
    } else throw new Error(`No block of ${block.language} can be run`);
  }

  /** Saves a program without running it. */
  async #save({ line }: Block, text: string): Promise<string> {
    const name = fileNameOf(text) ?? `line-${line}.ts`;
    await Bun.write(join(this.#folder, name), withAssertions(text));
    return name;
  }

  async #startServer(block: Block, text: string): Promise<void> {
    const [port = "8000"] = portsOf(block.text, "8000");
    const chosen = this.#ports.get(port) ?? port;
    const command =
      block.language === "ts" ? [...commandOf(text), await this.#save(block, text)] : ["bash", "-c", text];
    const server = this.#spawn(command, { PLAYCOUNT_PORT: chosen }, { detached: true });
    this.#servers.push(server);
    const deadline = performance.now() + START_MS;
    while (!(await answers(Number(chosen)))) {
      if (server.exitCode !== null || performance.now() > deadline) {
        await this.stop();
        throw new Error(`${text} does not listen on ${chosen}: ${await server.stderr.text()}`);
      }
      await Bun.sleep(20);
    }
  }

  /** Ends the servers that blocks have started. */
  async stop(): Promise<void> {
    const running = this.#servers.filter(({ exitCode }) => exitCode === null);
    for (const { pid } of running) process.kill(-pid, "SIGKILL"); // the whole process group
    await Promise.all(this.#servers.map((server) => server.exited));
  }

  async #execute(command: readonly string[]): Promise<string> {
    const child = this.#spawn(command, {});
    const [out, error, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    if (status !== 0) throw new Error(`${command.join(" ")} ended with ${status}: ${out}${error}`);
    return out;
  }

  #spawn(
    command: readonly string[],
    more: Record<string, string>,
    options: { detached?: true } = {},
  ): Bun.Subprocess<"ignore", "pipe", "pipe"> {
    const env = { ...environmentOf(this.#project), ...more };
    const files = { stdin: "ignore", stdout: "pipe", stderr: "pipe" } as const;
    return Bun.spawn([...command], { cwd: this.#folder, env, ...files, ...options });
  }

  #withPorts(text: string): string {
    return text.replace(PORT, (port) => this.#ports.get(port) ?? port);
  }
}

function isServer({ note }: Block): boolean {
  return note === "run: server";
}

function portsOf(text: string, otherwise?: string): string[] {
  const ports = text.match(PORT);
  return ports === null && otherwise !== undefined ? [otherwise] : [...(ports ?? [])];
}

/** Starts what listens on a port of a page, and returns its real port. */
async function startServer(port: string): Promise<string> {
  if (port !== REDIS) return new URL(servePlaycount()).port;
  return lacksRedis ? REDIS : String((await RedisServer.start()).port);
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

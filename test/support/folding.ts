import { expect } from "bun:test";
import { join } from "node:path";
import { CountClient, type CountClientOptions } from "../../src/client/client.ts";
import { listen, run, RUNTIMES } from "./process.ts";

/** Path of the program. */
export const main: string = join(import.meta.dir, "../../src/main.ts");
/** Command that runs the program on Bun. */
export const bun: readonly string[] = [...RUNTIMES.bun, main];
/** Options for servers that are busy, or killed by the test. */
export const PATIENT: CountClientOptions = { timeoutMs: 60_000, retries: 10 };

/**
 * A server in its own process, in memory or with a data directory, that can be killed and restarted at its
 * URL.
 */
export class Server {
  readonly #folder: string | undefined;
  #running: Awaited<ReturnType<typeof listen>> | undefined;
  url = "";

  constructor(folder?: string) {
    this.#folder = folder;
  }

  async start(...flags: string[]): Promise<string> {
    const port = this.url === "" ? "0" : new URL(this.url).port;
    const data = this.#folder === undefined ? [] : ["--data", this.#folder];
    this.#running = await listen([...bun, "--port", port, ...data, ...flags]);
    this.url = this.#running.url;
    return this.url;
  }

  async kill(): Promise<void> {
    this.#running?.process.kill("SIGKILL");
    await this.#running?.ended;
  }
}

/** Returns the arguments of a move. */
export function moveCommand(from: readonly string[], to: readonly string[]): string[] {
  return ["fold", "--from", from.join(","), "--into", to.join(",")];
}

/** Runs `playcount fold`, and ends it by a signal after `afterMs` if it has not ended. */
export async function foldKilled(
  command: readonly string[],
  afterMs: number,
  signal: "SIGKILL" | "SIGTERM" = "SIGKILL",
): Promise<void> {
  const child = Bun.spawn([...bun, ...command], { stdout: "ignore", stderr: "ignore" });
  const timer = setTimeout(() => child.kill(signal), afterMs);
  await child.exited;
  clearTimeout(timer);
}

/** Measures how many milliseconds a program takes to start now. */
export async function startTime(): Promise<number> {
  const since = performance.now();
  await run([...bun, "fold", "--help"]);
  return performance.now() - since;
}

/** Returns `count` songs with `plays` to `plays + 8` plays each. */
export function songs(count: number, plays: number = 1): Map<string, number> {
  return new Map(Array.from({ length: count }, (_, n): [string, number] => [`song ${n}`, (n % 9) + plays]));
}

/** Adds plays to a ledger. */
export function add(ledger: Map<string, number>, plays: ReadonlyMap<string, number>): void {
  for (const [id, more] of plays) ledger.set(id, (ledger.get(id) ?? 0) + more);
}

/** Asserts that each song is on the server that a client places it on, and on no other. */
export async function expectPlaced(
  servers: readonly string[],
  counts: ReadonlyMap<string, number>,
): Promise<void> {
  const client = new CountClient(servers, PATIENT);
  const found = await client.getAllPlayCounts();
  expect(found.size).toBe(counts.size);
  expect([...counts].filter(([id, plays]) => found.get(id) !== plays)).toEqual([]);
  for (const server of servers.map((url) => url.replace(/\/*$/, "/"))) {
    const own = await new CountClient(server, PATIENT).getAllPlayCounts();
    expect([...own.keys()].filter((id) => client.serverOf(id) !== server)).toEqual([]);
  }
}

/** Plays on servers, and adds the answered plays to the ledger, until the returned function is called. */
export function play(servers: readonly string[], ledger: Map<string, number>): () => Promise<void> {
  const client = new CountClient(servers, PATIENT);
  let isOver = false;
  const playing = (async () => {
    for (let n = 0; !isOver; n++) {
      const ids = [`song ${n % 20_000}`, `song ${(n * 7919) % 20_000}`, `late ${n % 100}`];
      await Promise.all(ids.map((id) => client.incrementPlayCount(id)));
      for (const id of ids) add(ledger, new Map([[id, 1]]));
    }
  })();
  return async () => {
    isOver = true;
    await playing;
  };
}

/** Returns the folds that are not acknowledged. */
export async function foldsOf(url: string): Promise<string> {
  return await (await fetch(`${url}folds`)).text();
}

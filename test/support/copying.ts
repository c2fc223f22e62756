import { expect } from "bun:test";
import { join } from "node:path";
import { CountClient, type CountClientOptions } from "../../src/client/client.ts";
import { listen, run, RUNTIMES } from "./process.ts";

/** The entry of the program. */
export const main: string = join(import.meta.dir, "../../src/main.ts");
/** The program, on Bun. */
export const bun: readonly string[] = [...RUNTIMES.bun, main];
/** For servers that others keep busy, or kill. */
export const PATIENT: CountClientOptions = { timeoutMs: 60_000, retries: 10 };

/** A server in a process of its own, in memory or with a folder, that can be killed and started anew at the same URL. */
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

/** What stands behind the program. */
export function copyCommand(from: readonly string[], to: readonly string[]): string[] {
  return ["copy", "--from", from.join(","), "--to", to.join(",")];
}

/** Runs `playcount copy`, and kills it after a while if it has not ended. */
export async function copyKilled(command: readonly string[], afterMs: number): Promise<void> {
  const child = Bun.spawn([...bun, ...command], { stdout: "ignore", stderr: "ignore" });
  const timer = setTimeout(() => child.kill("SIGKILL"), afterMs);
  await child.exited;
  clearTimeout(timer);
}

/** Milliseconds that a program takes to start, as fast as the machine is now. */
export async function startTime(): Promise<number> {
  const since = performance.now();
  await run([...bun, "copy", "--help"]);
  return performance.now() - since;
}

/** As many songs, and their plays. */
export function songs(count: number, plays: number = 1): Map<string, number> {
  return new Map(Array.from({ length: count }, (_, n): [string, number] => [`song ${n}`, (n % 9) + plays]));
}

/** Adds plays to others. */
export function add(ledger: Map<string, number>, plays: ReadonlyMap<string, number>): void {
  for (const [id, more] of plays) ledger.set(id, (ledger.get(id) ?? 0) + more);
}

/** Asserts that each song is on the server that the list places it on, and only there. */
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

/** Plays on servers until it is told to stop; what was answered is in the ledger. */
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

/** The folds that are not acknowledged. */
export async function foldsOf(url: string): Promise<string> {
  return await (await fetch(`${url}folds`)).text();
}

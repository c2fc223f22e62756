import { expect } from "bun:test";
import { join } from "node:path";
import { type Listening, listen, RUNTIMES } from "../../../support/process.ts";
import { until } from "./until.ts";

const main = join(import.meta.dir, "../../../../src/main.ts");

/** Starts playcount with its counts in Redis. It listens as soon as it has read their layout. */
export function start(store: string, ...options: string[]): Promise<Listening> {
  return listen([...RUNTIMES.bun, main, "--port", "0", "--store", store, ...options]);
}

/** Starts playcount while Redis is stopped, and waits until it logs that. It listens when Redis runs. */
export async function startWaiting(store: string): Promise<{ listening: Promise<Listening> }> {
  const waits = Promise.withResolvers<void>();
  const onText = (text: string) => void (text.includes("waits for Redis") && waits.resolve());
  const command = [...RUNTIMES.bun, main, "--port", "0", "--store", store];
  const listening = listen(command, {}, undefined, onText);
  const first = await Promise.race([listening.then(() => "listens"), waits.promise.then(() => "waits")]);
  expect(first).toBe("waits");
  return { listening };
}

/** Starts playcount, and waits until its health check succeeds. */
export async function serve(store: string, ...options: string[]): Promise<Listening> {
  const server = await start(store, ...options);
  await healthy(server.url);
  return server;
}

/** Starts two servers on the same counts. */
export function serveTwo(store: string, ...options: string[]): Promise<Listening[]> {
  return Promise.all([serve(store, ...options), serve(store, ...options)]);
}

/** Waits until the health check of a server has the given status. */
export async function healthy(url: string, status: 200 | 503 = 200): Promise<void> {
  await until(`a health of ${status}`, async () => (await statusOf(url, "health")) === status);
}

/**
 * Stops servers. Expects that each exits with 0 and has logged only lines for the operator; returns these.
 */
export async function endWell(servers: readonly Listening[]): Promise<string> {
  for (const { process } of servers) process.kill("SIGTERM");
  const ends = await Promise.all(servers.map(({ ended }) => ended));
  for (const { status, stderr } of ends) {
    expect(status, stderr).toBe(0);
    for (const line of stderr.split("\n").slice(0, -1)) expect(line).toStartWith("playcount: ");
  }
  return ends.map(({ stderr }) => stderr).join("");
}

/** Returns the status of a `GET`. */
export async function statusOf(url: string, path: string): Promise<number> {
  const answer = await fetch(url + path);
  await answer.arrayBuffer();
  return answer.status;
}

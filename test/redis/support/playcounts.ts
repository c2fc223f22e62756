import { expect } from "bun:test";
import { join } from "node:path";
import { type Ended, type Listening, listen, RUNTIMES } from "../../support/process.ts";

const main = join(import.meta.dir, "../../../src/main.ts");

/** Starts playcount with its counts in Redis. */
export function serve(store: string, ...options: string[]): Promise<Listening> {
  return listen([...RUNTIMES.bun, main, "--port", "0", "--store", store, ...options]);
}

/** Starts two of them on the same counts. */
export function serveTwo(store: string, ...options: string[]): Promise<Listening[]> {
  return Promise.all([serve(store, ...options), serve(store, ...options)]);
}

/** Starts one that may refuse; tells how it ended if it did. */
export async function serveOrRefuse(store: string, ...options: string[]): Promise<Listening | Ended> {
  return await serve(store, ...options).catch(
    ({ message }: Error) => JSON.parse(message.slice(message.indexOf("{"))) as Ended,
  );
}

/** Stops servers; whatever has happened, each ends well and has said nothing but lines for who operates it. */
export async function endWell(servers: readonly Listening[]): Promise<string> {
  for (const { process } of servers) process.kill("SIGTERM");
  const ends = await Promise.all(servers.map(({ ended }) => ended));
  for (const { status, stderr } of ends) {
    expect(status, stderr).toBe(0);
    for (const line of stderr.split("\n").slice(0, -1)) expect(line).toStartWith("playcount: ");
  }
  return ends.map(({ stderr }) => stderr).join("");
}

/** The status of a `GET`. */
export async function statusOf(url: string, path: string): Promise<number> {
  const answer = await fetch(url + path);
  await answer.arrayBuffer();
  return answer.status;
}

import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { type Child, isAlive, spawn } from "./children.ts";

/** A server that fills itself with millions of songs first takes some seconds. */
const SECONDS_TO_START = 60;

/** How to start a server on a port of 127.0.0.1. */
export interface Startable {
  name: string;
  command: (port: number) => string[];
  env?: Record<string, string>;
}

/** A server that has answered. */
export interface RunningServer {
  name: string;
  /** Without a slash at the end. */
  url: string;
  child: Child<"ignore">;
}

/** What a server answered. */
export interface Answer {
  status: number;
  headers: Headers;
  body: string;
}

/** Starts a server on a free port, and resolves when it answers. */
export async function start({ name, command, env = {} }: Startable): Promise<RunningServer> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(command(port), { stdout: "ignore", env });
  const deadline = performance.now() + SECONDS_TO_START * 1000;
  while (performance.now() < deadline) {
    // Of one song: the list of all might be long.
    const hasAnswered = await ask(`${url}/song/1`).then(
      () => true,
      () => false,
    );
    // Looked at after the answer, which could be that of another program if this one found the port taken.
    if (!isAlive(child)) throw new Error(`${name} ended before it answered: ${command(port).join(" ")}`);
    if (hasAnswered) return { name, url, child };
    await Bun.sleep(20);
  }
  throw new Error(`${name} gave no answer within ${SECONDS_TO_START} s: ${command(port).join(" ")}`);
}

/** Sends one request over a connection of its own. */
export async function ask(url: string, method: string = "GET", body?: string): Promise<Answer> {
  const init = body === undefined ? {} : { body };
  const signal = AbortSignal.timeout(5000);
  const response = await fetch(url, { method, signal, keepalive: false, ...init });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

/** A port of 127.0.0.1 that nobody has for now. */
export async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer().once("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo;
    server.close(() => resolve(port));
  });
  return await promise;
}

import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { type Child, isAlive, spawn } from "./children.ts";

/** Long enough for a server that loads millions of songs first. */
const SECONDS_TO_START = 60;

/** A server that can be started on a port of 127.0.0.1. */
export interface Startable {
  name: string;
  command: (port: number) => string[];
  env?: Record<string, string>;
}

/** A server that answers. */
export interface RunningServer {
  name: string;
  /** Without a trailing slash. */
  url: string;
  child: Child<"ignore">;
}

/** The answer of a server. */
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
    // One song: the list of all may be long.
    const hasAnswered = await sendRequest(`${url}/song/1`).then(
      () => true,
      () => false,
    );
    // Checked after the answer: if the port was taken, the answer came from another program.
    if (!isAlive(child)) throw new Error(`${name} ended before it answered: ${command(port).join(" ")}`);
    if (hasAnswered) return { name, url, child };
    await Bun.sleep(20);
  }
  throw new Error(`${name} did not answer within ${SECONDS_TO_START} s: ${command(port).join(" ")}`);
}

/** Sends one request over a new connection. */
export async function sendRequest(url: string, method: string = "GET", body?: string): Promise<Answer> {
  const init = body === undefined ? {} : { body };
  const signal = AbortSignal.timeout(5000);
  const response = await fetch(url, { method, signal, keepalive: false, ...init });
  return { status: response.status, headers: response.headers, body: await response.text() };
}

/** Returns a port of 127.0.0.1 that is free at present. */
export async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const server = createServer().once("error", reject);
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as AddressInfo;
    server.close(() => resolve(port));
  });
  return await promise;
}

import { once } from "node:events";
import { createServer } from "node:net";
import process from "node:process";
import { setTimeout } from "node:timers/promises";

/** A socket without a file: it is gone with the process, and seen where the same ports are. Linux alone has them. */
const NAME = "\0playcount is starting workers";

const RETRY_MS = 20;
const PATIENCE_MS = 10_000;

/** The right to start workers, which one program of a machine has at a time. */
export interface StartLock {
  end: () => void;
}

/**
 * Waits until no other playcount is about to start workers: two that look at the same moment whether a port is free
 * would share it. Does not wait for ever, nor at all where the system has no such sockets.
 */
export async function acquireStartLock(): Promise<StartLock> {
  const deadline = performance.now() + PATIENCE_MS;
  while (process.platform === "linux" && performance.now() < deadline) {
    const server = createServer();
    try {
      server.listen({ path: NAME });
      await once(server, "listening"); // rejects if another one has it
      return { end: () => void server.close() };
    } catch {
      await setTimeout(RETRY_MS);
    }
  }
  return { end: () => {} };
}

import { once } from "node:events";
import { createServer } from "node:net";
import process from "node:process";
import { setTimeout } from "node:timers/promises";

/** Abstract socket of Linux: it ends with the process, and is visible where the same ports are. */
const NAME = "\0playcount is starting workers";

const RETRY_MS = 20;
const MAX_WAIT_MS = 10_000;

/**
 * Waits until no other playcount is about to start workers: two that probe a free port at the same moment
 * would share it. Waits 10 seconds at most, and not at all where the system has no such sockets. Returns the
 * function that releases the lock.
 */
export async function acquireStartLock(): Promise<() => void> {
  const deadline = performance.now() + MAX_WAIT_MS;
  while (process.platform === "linux" && performance.now() < deadline) {
    const server = createServer();
    try {
      server.listen({ path: NAME });
      await once(server, "listening"); // rejects if another program has it
      return () => void server.close();
    } catch {
      await setTimeout(RETRY_MS);
    }
  }
  return () => {};
}

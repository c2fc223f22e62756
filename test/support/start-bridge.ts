import { join } from "node:path";
import { Connection } from "./connection.ts";
import { type Ended, listen, RUNTIMES } from "./process.ts";

/** The server of bridge.ts, running on Node. */
export interface Bridge {
  ask: (path: string, init?: RequestInit) => Promise<Response>;
  connect: () => Promise<Connection>;
  /** Sends SIGTERM, and does not wait. */
  terminate: () => void;
  /** Sends SIGTERM, and returns the result of the program. */
  stop: () => Promise<Ended>;
}

export async function startBridge(): Promise<Bridge> {
  const { url, process, ended } = await listen([...RUNTIMES.node, join(import.meta.dir, "bridge.ts")]);
  let isTerminated = false;
  const terminate = () => {
    if (!isTerminated) process.kill("SIGTERM"); // a second one would end it at once
    isTerminated = true;
  };
  return {
    ask: (path, init) => fetch(url.slice(0, -1) + path, init),
    connect: () => Connection.to(url),
    terminate,
    stop: () => {
      terminate();
      return ended;
    },
  };
}

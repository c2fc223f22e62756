import { join } from "node:path";
import { type Listening, listen, RUNTIMES } from "../support/process.ts";
import { HOST } from "./configuration.ts";

const main = join(import.meta.dir, "../../src/main.ts");

/** Starts a playcount that allows the host name of the balancer. */
export function startPlaycount(port: string = "0", ...more: string[]): Promise<Listening> {
  const options = ["--allowed-hosts", HOST, "--max-batch-songs", "1000000"];
  return listen([...RUNTIMES.bun, main, "--port", port, ...options, ...more]);
}

/** Returns all counts of a server. */
export async function countsOf(url: string): Promise<Map<string, number>> {
  const headers = { host: HOST, accept: "application/json" };
  const counts = (await (await fetch(url, { headers })).json()) as Record<string, number>;
  return new Map(Object.entries(counts));
}

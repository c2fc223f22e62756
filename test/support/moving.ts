import { CountClient } from "../../src/client/client.ts";
import { ServerClient } from "../../src/client/server-client.ts";
import { Placement } from "../../src/client/placement.ts";
import { Mover } from "../../src/client/rebalance.ts";
import { servePlaycount } from "./servers.ts";
import { type ReceivedRequest, serveUnreliably } from "./unreliable.ts";

/** Options to fail at the first error. */
export const NO_RETRIES: { retries: number } = { retries: 0 };

/** Returns `count` songs with 1 to 9 plays each. */
export function songs(count: number): Map<string, number> {
  return new Map(Array.from({ length: count }, (_, n): [string, number] => [`song ${n}/ä`, (n % 9) + 1]));
}

/** Returns the sum of the counts of servers. */
export async function countsOf(...servers: string[]): Promise<Map<string, number>> {
  return await new CountClient(servers).getAllPlayCounts();
}

/** Returns the body of the answer to a GET. */
export async function textOf(url: string): Promise<string> {
  return await (await fetch(url)).text();
}

/** Returns the total of all plays. */
export function sum(plays: ReadonlyMap<string, number>): number {
  return [...plays.values()].reduce((all, count) => all + count, 0);
}

/** Returns the batches that add plays. */
export function batchesIn(seen: readonly ReceivedRequest[]): ReceivedRequest[] {
  return seen.filter(({ asked, body }) => asked === "POST /batch" && /=[1-9]/.test(body));
}

/** Starts a server that answers `status` after the first `batch` batches, until `heal` is called. */
export function serveUntil(
  batch: number,
  status: number,
): { url: string; seen: ReceivedRequest[]; heal: () => void } {
  let isHealed = false;
  const { url, seen } = serveUnreliably(servePlaycount(), () =>
    isHealed || batchesIn(seen).length <= batch ? "succeed" : status,
  );
  return { url, seen, heal: () => (isHealed = true) };
}

/** Returns a mover to `targets` that holds at most `heldSongs` songs in memory. */
export function moverTo(targets: readonly string[], heldSongs: number): Mover {
  const client = new ServerClient(NO_RETRIES);
  const to = new Placement(targets);
  return new Mover({ client, toClient: client, to, heldSongs, signal: undefined, onProgress: () => {} });
}

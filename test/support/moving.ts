import { CountClient } from "../../src/client/client.ts";
import { ServerClient } from "../../src/client/server-client.ts";
import { Placement } from "../../src/client/placement.ts";
import { Mover } from "../../src/client/rebalance.ts";
import { servePlaycount } from "./servers.ts";
import { type Seen, serveUnreliably } from "./unreliable.ts";

/** To fail at once. */
export const NO_RETRIES: { retries: number } = { retries: 0 };

/** As many songs, and their plays. */
export function songs(count: number): Map<string, number> {
  return new Map(Array.from({ length: count }, (_, n): [string, number] => [`song ${n}/ä`, (n % 9) + 1]));
}

/** The counts of all of these servers. */
export async function countsOf(...servers: string[]): Promise<Map<string, number>> {
  return await new CountClient(servers).getAllPlayCounts();
}

/** What is answered to a GET. */
export async function textOf(url: string): Promise<string> {
  return await (await fetch(url)).text();
}

/** How many plays those are. */
export function sum(plays: ReadonlyMap<string, number>): number {
  return [...plays.values()].reduce((all, count) => all + count, 0);
}

/** The requests that add something. */
export function batchesIn(seen: readonly Seen[]): Seen[] {
  return seen.filter(({ asked, body }) => asked === "POST /batch" && /=[1-9]/.test(body));
}

/** A server that fails with `status` from the batch of that number on, until `isWell`. */
export function serveUntil(batch: number, status: number): { url: string; seen: Seen[]; heal: () => void } {
  let isWell = false;
  const { url, seen } = serveUnreliably(servePlaycount(), () =>
    isWell || batchesIn(seen).length <= batch ? "well" : status,
  );
  return { url, seen, heal: () => (isWell = true) };
}

/** Moves to servers, and holds so many songs at once. */
export function moverTo(targets: readonly string[], heldSongs: number): Mover {
  const client = new ServerClient(NO_RETRIES);
  const to = new Placement(targets);
  return new Mover({ client, toClient: client, to, heldSongs, signal: undefined, onProgress: () => {} });
}

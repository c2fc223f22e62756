import { Connection } from "../support/connection.ts";
import { ask, request } from "./asking.ts";
import { type Program, stopBalancers } from "./balancer.ts";
import { balance, type Edit, impatient, type Setup } from "./configuration.ts";
import { type Fate, type Seen, StandIns } from "./stand-ins.ts";

const open: StandIns[] = [];

/** Stops the balancers and stand-ins that were started. */
export async function stopAll(): Promise<void> {
  await stopBalancers();
  for (const standIns of open.splice(0)) standIns.stop();
}

const PATH = "/song/a%2Fb";

export const KEY = 'Idempotency-Key: "importer-7:1"';
export const READ: string = request(`GET ${PATH}`);
export const PLAY: string = request(`POST ${PATH}`, [], "3");

/** Requests that are safe or have an idempotency key. */
export const REPEATABLE: readonly string[] = [
  READ,
  request(`HEAD ${PATH}`),
  request(`POST ${PATH}`, [KEY], "3"),
];

/** Requests that are not idempotent: playcount reads a key of POST only. */
export const WRITES: readonly string[] = [
  PLAY,
  request(`POST ${PATH}`, ["Content-Length: 0"]),
  request(`DELETE ${PATH}`),
  request(`DELETE ${PATH}`, [KEY]),
  request(`PUT ${PATH}`, [], "3"),
  request(`PATCH ${PATH}`, [], "3"),
  request(`PURGE ${PATH}`),
];

/** The result of a request. */
export interface Meeting {
  /** The status that the client got, or `undefined` if the connection was closed. */
  status: number | undefined;
  seen: Seen[];
}

/** Sends a request to servers, of which the first one that it reaches fails by `fate`. */
export async function meet(
  program: Program,
  setup: Setup,
  sent: string,
  fate: Fate,
  { isUsed = false, edits = [] }: { isUsed?: boolean; edits?: readonly Edit[] } = {},
): Promise<Meeting> {
  const { standIns, url } = await start(program, setup, [impatient(program), ...edits]);
  const connection = await Connection.to(url);
  for (let before = isUsed ? 4 : 0; before > 0; before--) await ask(connection, READ);
  standIns.expect(fate);
  const answer = await ask(connection, sent);
  connection.destroy();
  return { status: answer?.status, seen: standIns.seen };
}

/** Starts stand-ins and a balancer in front of them. */
export async function start(
  program: Program,
  setup: Setup,
  edits: readonly Edit[] = [],
): Promise<{ standIns: StandIns; url: string }> {
  const standIns = await StandIns.start(setup === "spread" ? 3 : 2);
  open.push(standIns);
  const { url } = await balance(program, setup, standIns.urls, edits);
  return { standIns, url };
}

import { Connection } from "../support/connection.ts";
import { ask, request } from "./asking.ts";
import { type Program, stopBalancers } from "./balancer.ts";
import { balance, type Edit, impatient, type Setup } from "./configuration.ts";
import { type Fate, type Seen, StandIns } from "./stand-ins.ts";

const open: StandIns[] = [];

/** Stops all that was started here. */
export async function stopAll(): Promise<void> {
  await stopBalancers();
  for (const standIns of open.splice(0)) standIns.stop();
}

const PATH = "/song/a%2Fb";

export const KEY = 'Idempotency-Key: "importer-7:1"';
export const READ: string = request(`GET ${PATH}`);
export const PLAY: string = request(`POST ${PATH}`, [], "3");

/** What changes nothing, or is known again. */
export const REPEATABLE: readonly string[] = [
  READ,
  request(`HEAD ${PATH}`),
  request(`POST ${PATH}`, [KEY], "3"),
];

/** What changes something each time: playcount looks at a key for POST alone. */
export const WRITES: readonly string[] = [
  PLAY,
  request(`POST ${PATH}`, ["Content-Length: 0"]),
  request(`DELETE ${PATH}`),
  request(`DELETE ${PATH}`, [KEY]),
  request(`PUT ${PATH}`, [], "3"),
  request(`PATCH ${PATH}`, [], "3"),
  request(`PURGE ${PATH}`),
];

/** What came of a request. */
export interface Meeting {
  /** What the client was told; `undefined` if the connection was closed instead. */
  status: number | undefined;
  seen: Seen[];
}

/** Sends a request to servers of which the first that it comes to fails so. */
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

/** Starts a balancer, and stand-ins behind it. */
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

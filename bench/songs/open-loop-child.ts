/**
 * `bun open-loop-child.ts PORT SONGS CONNECTIONS` plays songs at random at a constant rate, which does not
 * depend on CONNECTIONS, until SIGTERM. Then it prints {@linkcode Plays} as JSON.
 */
import process from "node:process";
import { sharedNow } from "../harness/clock.ts";
import { OpenLoopConnection } from "./open-loop-connection.ts";

/** Due time, in milliseconds since 1970, and latency of each answered play. */
export interface Plays {
  dueAt: number[];
  latencyMs: number[];
}

const PLAYS_PER_MS = 2;

const [port = 0, songs = 0, count = 0] = process.argv.slice(2).map(Number);
const plays: Plays = { dueAt: [], latencyMs: [] };
const intervalMs = count / PLAYS_PER_MS;
const connections = Array.from({ length: count }, () => {
  return new OpenLoopConnection({ port, songs, intervalMs, onAnswer });
});
await Promise.all(connections.map((connection) => connection.open()));
const now = sharedNow();
connections.forEach((connection, at) => connection.startAt(now + at / PLAYS_PER_MS));
const timer = setInterval(() => connections.forEach((connection) => connection.tick()), 1);
process.on("SIGTERM", stop);

function onAnswer(dueAt: number, latencyMs: number): void {
  plays.dueAt.push(dueAt);
  plays.latencyMs.push(latencyMs);
}

async function stop(): Promise<void> {
  clearInterval(timer);
  await Promise.all(connections.map((connection) => connection.drain()));
  await Bun.write(Bun.stdout, JSON.stringify(plays));
  process.exit(0);
}

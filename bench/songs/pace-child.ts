/**
 * `bun pace-child.ts PORT SONGS CONNECTIONS` sends plays of songs at random at an even pace, the same whatever the number
 * of connections, until SIGTERM, and prints {@linkcode Plays} as JSON.
 */
import process from "node:process";
import { sharedNow } from "../clock.ts";
import { PacedConnection } from "./paced-connection.ts";

/** When each play that was answered was due, in milliseconds since 1970, and how long its answer took. */
export interface Plays {
  dueAt: number[];
  tookMs: number[];
}

const PLAYS_PER_MS = 2;

const [port = 0, songs = 0, count = 0] = process.argv.slice(2).map(Number);
const plays: Plays = { dueAt: [], tookMs: [] };
const everyMs = count / PLAYS_PER_MS;
const connections = Array.from({ length: count }, () => {
  return new PacedConnection({ port, songs, everyMs, onAnswer });
});
await Promise.all(connections.map((connection) => connection.open()));
const now = sharedNow();
connections.forEach((connection, at) => connection.begin(now + at / PLAYS_PER_MS));
const clock = setInterval(() => connections.forEach((connection) => connection.tick()), 1);
process.on("SIGTERM", stop);

function onAnswer(dueAt: number, tookMs: number): void {
  plays.dueAt.push(dueAt);
  plays.tookMs.push(tookMs);
}

async function stop(): Promise<void> {
  clearInterval(clock);
  await Promise.all(connections.map((connection) => connection.rest()));
  await Bun.write(Bun.stdout, JSON.stringify(plays));
  process.exit(0);
}

import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { findProgram, versionOf } from "../programs.ts";
import { ask, type Startable } from "../server.ts";

/** A server that is measured, and how it is asked. */
export interface Subject extends Startable {
  /** The path that a play is sent to, and the body it has. */
  play: { path: string; body?: string };
  /** How often it has counted. */
  count: (url: string) => Promise<number>;
}

/** What the others are compared with. */
export const MEMORY = "playcount, in memory";
export const DURABLE = "playcount --data";
export const REDIS = "webdis + Redis, appendfsync always";
const LIMIT = "append and fdatasync";

const HOW_TO_GET_REDIS = "apt-get install redis-server webdis";

/** A folder on the disk that this file is on, for a run; the system's folder for such things may be in memory. */
export function makeFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(import.meta.dirname, "data-"));
  const remove = () => rmSync(path, { recursive: true, force: true });
  process.once("exit", remove);
  return { path, [Symbol.dispose]: remove };
}

/** All that are measured, with what they keep in a folder. */
export function subjects(folder: string): Subject[] {
  const programs = [findProgram("redis-server", HOW_TO_GET_REDIS), findProgram("webdis", HOW_TO_GET_REDIS)];
  const count = async (url: string) => Number((await ask(`${url}/song/1`)).body);
  const play = { path: "/song/1" };
  return [
    { name: MEMORY, command: playcount(), play, count },
    { name: DURABLE, command: playcount("--data", join(folder, "plays")), play, count },
    {
      name: LIMIT,
      command: (port) => [
        process.execPath,
        `${import.meta.dirname}/append-server.ts`,
        String(port),
        join(folder, "log"),
      ],
      play,
      count,
    },
    {
      name: REDIS,
      command: (port) => [
        process.execPath,
        `${import.meta.dirname}/redis-server.ts`,
        String(port),
        folder,
        ...programs,
      ],
      play: { path: "/", body: "INCR/song" },
      count: async (url) =>
        Number((JSON.parse((await ask(`${url}/GET/song`)).body) as { GET: string | null }).GET),
    },
  ];
}

/** How playcount is started on Bun with these options. */
export function playcount(...options: string[]): Startable["command"] {
  return (port) => [process.execPath, "src/main.ts", "--port", String(port), ...options];
}

/** @throws {Error} that tells how to get it, if something is not installed. */
export function versions(): Record<string, string> {
  findProgram("webdis", HOW_TO_GET_REDIS); // which does not tell its version
  const redis = findProgram("redis-server", HOW_TO_GET_REDIS);
  return { redis: versionOf([redis, "--version"], /v=(\S+)/, HOW_TO_GET_REDIS) };
}

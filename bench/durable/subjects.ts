import { join } from "node:path";
import process from "node:process";
import { playcount } from "../playcount.ts";
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

/** All that are measured, with what they keep in a folder. */
export function subjects(folder: string): Subject[] {
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
      command: (port) => [process.execPath, `${import.meta.dirname}/redis-server.ts`, String(port), folder],
      play: { path: "/", body: "INCR/song" },
      count: async (url) =>
        Number((JSON.parse((await ask(`${url}/GET/song`)).body) as { GET: string | null }).GET),
    },
  ];
}

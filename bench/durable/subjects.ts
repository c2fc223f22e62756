import { join } from "node:path";
import process from "node:process";
import { playcount } from "../harness/playcount.ts";
import { type Startable, sendRequest } from "../harness/server.ts";

/** A server that is measured, and its requests. */
export interface Subject extends Startable {
  /** Path and body of the `POST` that counts a play. */
  play: { path: string; body?: string };
  /** Reads the plays counted so far. */
  count: (url: string) => Promise<number>;
}

export const MEMORY = "playcount, in memory";
export const DURABLE = "playcount --data";
export const APPEND = "append and fdatasync";
export const REDIS = "webdis + Redis, appendfsync always";

/** Returns all subjects, with their files in `folder`. */
export function subjects(folder: string): Subject[] {
  const count = async (url: string) => Number((await sendRequest(`${url}/song/1`)).body);
  const play = { path: "/song/1" };
  const script = (name: string, argument: string) => (port: number) => [
    process.execPath,
    `${import.meta.dirname}/${name}`,
    String(port),
    argument,
  ];
  return [
    { name: MEMORY, command: playcount(), play, count },
    { name: DURABLE, command: playcount("--data", join(folder, "plays")), play, count },
    { name: APPEND, command: script("append-server.ts", join(folder, "log")), play, count },
    {
      name: REDIS,
      command: script("redis-server.ts", folder),
      play: { path: "/", body: "INCR/song" },
      count: async (url) =>
        Number((JSON.parse((await sendRequest(`${url}/GET/song`)).body) as { GET: string | null }).GET),
    },
  ];
}

import process from "node:process";
import { run } from "../children.ts";
import { type RunningServer, start } from "../server.ts";
import type { Listing } from "./reader-child.ts";

/** Starts a server that has `songs` songs. */
export async function startFilled(songs: number): Promise<RunningServer> {
  return await start({
    name: `playcount with ${songs} songs`,
    command: (port) => [process.execPath, "bench/songs/filled-server.ts", String(port), String(songs)],
  });
}

/** Reads all songs of a server, in a process of its own and as fast as they come. */
export async function readAll(url: string): Promise<Listing> {
  return await read("GET", `${url}/`);
}

/** Seals a fold, and reads what is in it in the same way. */
export async function readFold(url: string, fold: number): Promise<Listing> {
  return await read("PUT", `${url}/folds/${fold}`);
}

async function read(method: string, url: string): Promise<Listing> {
  return JSON.parse(await run([process.execPath, "bench/songs/reader-child.ts", method, url])) as Listing;
}

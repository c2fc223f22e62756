import process from "node:process";
import { run } from "../children.ts";
import { type RunningServer, start } from "../server.ts";
import { allPlaysAtFirst } from "./plays.ts";
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

/** Seals a fold, unless it is sealed, and reads what is in it in the same way. */
export async function readFold(url: string, fold: number): Promise<Listing> {
  return await read("PUT", `${url}/folds/${fold}`);
}

/**
 * @throws {Error} unless `played` plays were counted since the start, and of no song but the first `songs`, which there
 * were.
 */
export async function checkPlays(url: string, songs: number, played: number): Promise<void> {
  const all = await readAll(url);
  const wanted = allPlaysAtFirst(songs) + played;
  if (all.songs === songs && all.plays === wanted) return;
  throw new Error(`${wanted} plays of ${songs} songs became ${all.plays} plays of ${all.songs} songs`);
}

async function read(method: string, url: string): Promise<Listing> {
  return JSON.parse(await run([process.execPath, "bench/songs/reader-child.ts", method, url])) as Listing;
}

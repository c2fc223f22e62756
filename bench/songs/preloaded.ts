import process from "node:process";
import { checkTotals } from "../harness/list-reader.ts";
import { type RunningServer, start } from "../harness/server.ts";
import { totalInitialPlays } from "./initial-plays.ts";

/** Starts a server that has `songs` songs when it begins to listen. */
export async function startPreloaded(songs: number): Promise<RunningServer> {
  return await start({
    name: `playcount with ${songs} songs`,
    command: (port) => [process.execPath, "bench/songs/preloaded-server.ts", String(port), String(songs)],
  });
}

/** @throws {Error} unless `played` plays were counted since the start, of the first `songs` songs only. */
export async function checkPlays(url: string, songs: number, played: number): Promise<void> {
  await checkTotals(url, songs, totalInitialPlays(songs) + played);
}

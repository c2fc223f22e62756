import process from "node:process";
import { run } from "./children.ts";
import type { Listing } from "./list-reader-child.ts";

/** Reads all songs of a server in another process, as fast as possible. */
export async function readAll(url: string): Promise<Listing> {
  return await read("GET", `${url}/`);
}

/** Seals a fold, unless it is sealed, and reads it in the same way. */
export async function readFold(url: string, fold: number): Promise<Listing> {
  return await read("PUT", `${url}/folds/${fold}`);
}

/** @throws {Error} unless the server has `songs` songs with `plays` plays in all. */
export async function checkTotals(url: string, songs: number, plays: number): Promise<void> {
  const all = await readAll(url);
  if (all.songs === songs && all.plays === plays) return;
  throw new Error(
    `expected ${plays} plays of ${songs} songs, listed ${all.plays} plays of ${all.songs} songs`,
  );
}

async function read(method: string, url: string): Promise<Listing> {
  const child = `${import.meta.dirname}/list-reader-child.ts`;
  return JSON.parse(await run([process.execPath, child, method, url])) as Listing;
}

import { songId } from "../song-id.ts";
import { readAll } from "../songs/filled.ts";

/** Long ones, one at a time: several would wait for each other in Redis, and be given up there if the machine is busy. */
const BATCH = 50_000;

/** Plays each of the first `songs` songs once. */
export async function playEach(url: string, songs: number): Promise<void> {
  for (let first = 0; first < songs; first += BATCH) {
    const length = Math.min(BATCH, songs - first);
    await addBatch(url, Array.from({ length }, (_, at) => `${songId(first + at)}=1`).join());
  }
}

/** @throws {Error} unless so many songs have so many plays in all. */
export async function checkListing(url: string, songs: number, plays: number): Promise<void> {
  const all = await readAll(url);
  if (all.songs === songs && all.plays === plays) return;
  throw new Error(`${plays} plays of ${songs} songs became ${all.plays} plays of ${all.songs} songs`);
}

async function addBatch(url: string, body: string): Promise<void> {
  const headers = { "content-type": "text/plain", prefer: "return=minimal" };
  const response = await fetch(`${url}/batch`, { method: "POST", headers, body });
  if (response.status === 204) return;
  throw new Error(`a batch was answered with ${response.status}: ${await response.text()}`);
}

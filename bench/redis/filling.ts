import { songId } from "../song-id.ts";
import { readAll } from "../songs/filled.ts";

const BATCH = 20_000;
/** Batches on their way at a time, so that neither the server nor Redis waits for the other. */
const AT_A_TIME = 4;

/** Plays each of the first `songs` songs once. */
export async function playEach(url: string, songs: number): Promise<void> {
  let next = 0;
  const fill = async () => {
    while (next < songs) {
      const first = next;
      next = Math.min(songs, first + BATCH);
      await addBatch(url, Array.from({ length: next - first }, (_, at) => `${songId(first + at)}=1`).join());
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, fill));
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

import { batchOf } from "./batches.ts";

/** Songs of a batch: the most that a server accepts by default. */
const SONGS_PER_BATCH = 10_000;

/**
 * Plays each of the first `songs` songs once, by batches. Sequential, because batches in Redis wait for each
 * other.
 */
export async function preload(url: string, songs: number): Promise<void> {
  for (let first = 0; first < songs; first += SONGS_PER_BATCH)
    await sendBatch(url, batchOf(first, Math.min(SONGS_PER_BATCH, songs - first)));
}

async function sendBatch(url: string, body: string): Promise<void> {
  const headers = { "content-type": "text/plain", prefer: "return=minimal" };
  const response = await fetch(`${url}/batch`, { method: "POST", headers, body });
  if (response.status === 204) return;
  throw new Error(`a batch was answered with ${response.status}: ${await response.text()}`);
}

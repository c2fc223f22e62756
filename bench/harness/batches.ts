import { songId } from "./song-id.ts";
import { shuffle } from "./statistics.ts";

/** Formats a `POST /batch` body in text that plays `songs` songs once, the first of which is `first`. */
export function batchOf(first: number, songs: number): string {
  return Array.from({ length: songs }, (_, at) => `${songId(first + at)}=1`).join(",");
}

/**
 * Writes a file of batches, one a line: each of the first `songs` songs is in one of them, in random order.
 */
export async function writeBatches(path: string, songs: number, songsPerBatch: number): Promise<void> {
  const pairs = shuffle(Array.from({ length: songs }, (_, song) => `${songId(song)}=1`));
  const lines = Array.from({ length: songs / songsPerBatch }, (_, at) =>
    pairs.slice(at * songsPerBatch, (at + 1) * songsPerBatch).join(","),
  );
  await Bun.write(path, lines.join("\n"));
}

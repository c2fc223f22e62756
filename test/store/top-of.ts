import type { Entry } from "../../src/mod.ts";
import { TopSongs } from "../../src/store/top-songs.ts";

/** Returns the `n` songs of `chunks` with the highest counts, in the order of `CountStore.top`. */
export function topOf(chunks: Iterable<Iterable<Entry>>, n: number): Entry[] {
  const top = new TopSongs(n);
  for (const chunk of chunks) for (const entry of chunk) top.offer(entry);
  return top.entries();
}

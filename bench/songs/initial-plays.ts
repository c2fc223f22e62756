import { songId } from "../harness/song-id.ts";

/** Leading songs: their lead lasts until the end, so that the expected answer of `?top=` is known. */
const LEADERS = 10;
const PLAYS_OF_LEADER = 1_000_000;

/** Ids of the leading songs, in ascending order. */
export const LEADING_IDS: readonly string[] = Array.from({ length: LEADERS }, (_, song) => songId(song));

/** Returns the plays of a song, by its number, when a preloaded server begins to listen. */
export function initialPlays(song: number): number {
  return song < LEADERS ? PLAYS_OF_LEADER : 1;
}

/** Returns the initial plays of the first `songs` songs together. */
export function totalInitialPlays(songs: number): number {
  return songs + LEADERS * (PLAYS_OF_LEADER - 1);
}

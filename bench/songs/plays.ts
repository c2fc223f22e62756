import { songId } from "../song-id.ts";

/** The songs that lead at first by so much that they still do at the end, by which the highest can be checked. */
const LEADERS = 10;
const PLAYS_OF_LEADER = 1_000_000;

/** The ids of those songs, in ascending order. */
export const LEADING_IDS: readonly string[] = Array.from({ length: LEADERS }, (_, song) => songId(song));

/** How often a song, by its number, has been played when a server begins to listen. */
export function playsAtFirst(song: number): number {
  return song < LEADERS ? PLAYS_OF_LEADER : 1;
}

/** The plays of all of the first `songs` songs then. */
export function allPlaysAtFirst(songs: number): number {
  return songs + LEADERS * (PLAYS_OF_LEADER - 1);
}

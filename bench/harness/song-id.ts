const DIGITS = 9;
const PREFIX = "song-";
const bytes = Buffer.from(PREFIX + "0".repeat(DIGITS));

/** Returns the id of a song by its number, from 0 to 10^9 − 1: 14 bytes, as in `song-000000001`. */
export function songId(number: number): string {
  for (let at = bytes.length - 1; at >= PREFIX.length; at--) {
    bytes[at] = 0x30 + (number % 10);
    number = Math.floor(number / 10);
  }
  // A concatenated string would be a rope, and the code that is measured would pay for joining it.
  return bytes.toString("latin1");
}

/** Returns the id of one of the first `songs` songs at random. */
export function randomSongId(songs: number): string {
  return songId(Math.floor(Math.random() * songs));
}

/**
 * Returns a regular expression that matches the ids of the first `songs` songs.
 *
 * @throws {RangeError} if `songs` is not a power of ten.
 */
export function songIdPattern(songs: number): string {
  const free = Math.round(Math.log10(songs));
  if (10 ** free !== songs) throw new RangeError(`songs must be a power of ten, not ${songs}`);
  return `${PREFIX}${"0".repeat(DIGITS - free)}[0-9]{${free}}`;
}

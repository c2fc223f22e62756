/** Encodes an id for a column of SQLite, of which Deno reads a text only up to U+0000. */
export function escapeId(id: string): string {
  return id.replaceAll("%", "%25").replaceAll("\0", "%00");
}

/** Decodes the three bytes from `at` on, which are those of a `%` in {@linkcode escapeId}'s encoding. */
export function unescapeByte(ids: Uint8Array, at: number): number {
  return ids[at + 1] === 0x30 ? 0 : 0x25;
}

/** Encodes an id for a column of SQLite, of which Deno reads a text only up to U+0000. */
export function escapeId(id: string): string {
  return id.replaceAll("%", "%25").replaceAll("\0", "%00");
}

/** Decodes {@linkcode escapeId}'s encoding. */
export function unescapeId(text: string): string {
  return text.includes("%") ? text.replaceAll("%00", "\0").replaceAll("%25", "%") : text;
}

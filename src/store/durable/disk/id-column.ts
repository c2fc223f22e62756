/** Encodes an id for a column of SQLite, of which Deno reads a text only up to U+0000. */
export function writeId(id: string): string {
  return id.replaceAll("%", "%25").replaceAll("\0", "%00");
}

/** Decodes {@linkcode writeId}'s encoding. */
export function readId(text: string): string {
  return text.includes("%") ? text.replaceAll("%00", "\0").replaceAll("%25", "%") : text;
}

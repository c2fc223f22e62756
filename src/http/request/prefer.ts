/** A preference, its value, and its parameters (RFC 7240 §2): name, `=`, token or quoted string. */
const PREFERENCE =
  /(?:^|,)[ \t]*([!#$%&'*+.^_`|~\w-]+)(?:[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^",; \t]*))?((?:[^",]|"(?:[^"\\]|\\.)*")*)/g;

/**
 * Returns true if a client does not need the new count: `Prefer: return=minimal` (RFC 7240 §4.2).
 *
 * The first of several preferences with this name decides.
 */
export function prefersMinimal(prefer: string | null): boolean {
  if (prefer === null) return false;
  for (const [, name = "", value = ""] of prefer.matchAll(PREFERENCE)) {
    if (name.toLowerCase() === "return") return /^"?minimal"?$/i.test(value);
  }
  return false;
}

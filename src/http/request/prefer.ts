/** A preference, its value, and the parameters behind it (RFC 7240 §2): name, `=`, token or quoted string. */
const PREFERENCE =
  /(?:^|,)[ \t]*([!#$%&'*+.^_`|~\w-]+)(?:[ \t]*=[ \t]*("(?:[^"\\]|\\.)*"|[^",; \t]*))?((?:[^",]|"(?:[^"\\]|\\.)*")*)/g;

/**
 * Whether a client has no use for the new count: `Prefer: return=minimal` (RFC 7240 §4.2).
 *
 * Of a preference that is there more than once, the first counts.
 */
export function prefersMinimal(prefer: string | null): boolean {
  if (prefer === null) return false;
  for (const [, name = "", value = ""] of prefer.matchAll(PREFERENCE)) {
    if (name.toLowerCase() === "return") return /^"?minimal"?$/i.test(value);
  }
  return false;
}

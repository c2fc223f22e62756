import { split } from "./list.ts";

/**
 * Returns true if a client does not need the new count: `Prefer: return=minimal` (RFC 7240 §4.2).
 *
 * The first of several preferences with this name decides. A field of more than 1024 characters is ignored.
 */
export function prefersMinimal(prefer: string | null): boolean {
  if (prefer === null) return false;
  for (const member of split(prefer, ",")) {
    const [preference = ""] = split(member, ";");
    const found = /^return[ \t]*(?:=[ \t]*(.*))?$/i.exec(preference);
    if (found !== null) return /^"?minimal"?$/i.test(found[1] ?? "");
  }
  return false;
}

/** Longest field that is parsed, in characters: one of 15 KiB would take milliseconds. */
export const MAX_FIELD_LENGTH = 1024;

/** Parts between separators. A separator in a quoted string is part of it (RFC 9110 §5.6.4). */
const PARTS: Readonly<Record<"," | ";", RegExp>> = {
  ",": /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/gs,
  ";": /(?:[^;"]|"(?:[^"\\]|\\.)*"?)+/gs,
};

/**
 * Splits a list into its members, or a member into its parameters. Parts have no white space around them, and
 * empty ones are left out (RFC 9110 §5.6.1). A text of more than 1024 characters has no parts.
 */
export function split(text: string, separator: "," | ";"): string[] {
  if (text === "" || text.length > MAX_FIELD_LENGTH) return [];
  const parts = text.includes('"') ? (text.match(PARTS[separator]) ?? []) : text.split(separator);
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}

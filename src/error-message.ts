/** Returns the message of a thrown value in one line, for an operator's log. */
export function errorMessage(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replace(/\s+/g, " ");
}

/** Returns a value in quotes as an error quotes it: escaped as JSON is, and only the first 80 characters. */
export function quoted(value: string): string {
  return JSON.stringify(value.slice(0, 80));
}

/** Quotes an address for an error. Leaves out what may be a password or a token. */
export function quotedAddress(address: string): string {
  return quoted(address.replace(/^([a-z]+:\/\/)?.*@/is, "$1…@").replace(/[?#].*/s, "?…"));
}

/**
 * Returns the error that ends the body of an answer, `what`, whose client reads nothing. Deno logs it: as one
 * line, it tells the operator enough.
 */
export function cutOffError(what: string): Error {
  return Object.defineProperties(new Error(), {
    name: { value: "AbortError" },
    stack: { value: `playcount: ${what} was cut off, because its client reads nothing` },
  });
}

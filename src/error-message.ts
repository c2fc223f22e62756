/** Returns the message of a thrown value in one line, for an operator's log. */
export function errorMessage(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).trim().replace(/\s+/g, " ");
}

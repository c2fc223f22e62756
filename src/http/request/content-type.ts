import { Problem } from "../response/problem.ts";

/** Types of a number, a batch and a label. The form type is the one that `curl -d` sends with any data. */
export const JSON_TYPE = "application/json";
const TYPES: readonly string[] = ["text/plain", JSON_TYPE, "application/x-www-form-urlencoded"];

/**
 * Returns the content type of a body without parameters and in lower case; `undefined` without one. `what`
 * begins the sentence of an error.
 *
 * @throws {Problem} 415 for another type, or for a content encoding.
 */
export function checkContentType({ headers }: Request, what: string): string | undefined {
  const type = headers.get("content-type")?.replace(/;.*/s, "").trim().toLowerCase();
  const accept = TYPES.join(", ");
  if (type !== undefined && !TYPES.includes(type))
    throw new Problem(415, `${what} must be sent as ${accept}`, { accept });
  if (/[^\s,]/.test(headers.get("content-encoding")?.replace(/identity/gi, "") ?? "")) {
    throw new Problem(415, `${what} must be sent without a content encoding`, {
      "accept-encoding": "identity",
    });
  }
  return type;
}

/** Returns true if the head of a request says that it has a body which is not empty. */
export function announcesBody({ headers }: Request): boolean {
  return headers.has("transfer-encoding") || Number(headers.get("content-length")) > 0;
}

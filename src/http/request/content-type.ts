import { Problem } from "../response/problem.ts";
import { type BodyReading, readText } from "./body.ts";

/** Types of a number, a batch and a label. The form type is the one that `curl -d` sends with any data. */
export const JSON_TYPE = "application/json";
const BODY_TYPES: readonly string[] = ["text/plain", JSON_TYPE, "application/x-www-form-urlencoded"];

/**
 * Returns the content type of a body without parameters and in lower case; `undefined` without one. `what`
 * begins the sentence of an error.
 *
 * @throws {Problem} 415 for another type, or for a content encoding.
 */
export function checkContentType({ headers }: Request, what: string): string | undefined {
  const type = headers.get("content-type")?.replace(/;.*/s, "").trim().toLowerCase();
  const accept = BODY_TYPES.join(", ");
  if (type !== undefined && !BODY_TYPES.includes(type))
    throw new Problem(415, `${what} must be sent as ${accept}`, { accept });
  if (/[^\s,]/.test(headers.get("content-encoding")?.replace(/identity/gi, "") ?? "")) {
    throw new Problem(415, `${what} must be sent without a content encoding`, {
      "accept-encoding": "identity",
    });
  }
  return type;
}

/**
 * Reads a number or a label, as text or JSON. The type of an empty body is ignored. `what` begins the
 * sentence of an error.
 *
 * @throws {Problem} 415 for another content type or an encoding, before the body is read if the request
 * announces one; otherwise as {@linkcode readText}.
 */
export async function readSmall(
  request: Request,
  reading: BodyReading,
  what: string,
): Promise<{ text: string; isJson: boolean }> {
  if (announcesBody(request)) checkContentType(request, what);
  const text = await readText(request, reading).catch((error) => {
    checkContentType(request, what);
    throw error;
  });
  return { text, isJson: text !== "" && checkContentType(request, what) === JSON_TYPE };
}

/** Returns true if the head of a request says that it has a body which is not empty. */
function announcesBody({ headers }: Request): boolean {
  return headers.has("transfer-encoding") || Number(headers.get("content-length")) > 0;
}

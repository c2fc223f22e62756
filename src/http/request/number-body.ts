import { parseJsonNumber } from "../../mapping/whole-number.ts";
import { Problem } from "../response/problem.ts";
import { type BodyLimits, checkEncoding, contentTypeOf, readText, small } from "./body.ts";

const JSON_TYPE = "application/json";
/** The form type is the one that `curl -d` sends with any data. */
const TYPES = ["text/plain", JSON_TYPE, "application/x-www-form-urlencoded"];

/**
 * Reads a body that is empty or a whole number, with optional white space around it: decimal digits, and in
 * JSON also `1e3` or `1.0`.
 *
 * @returns `undefined` for an empty body. Above 2^53 − 1 the number may be inexact.
 * @throws {Problem} 415 for another content type or an encoding, whatever the body is; otherwise as
 * {@linkcode readText}, and 400 for any other content.
 */
export async function readWholeNumber(request: Request, limits: BodyLimits): Promise<number | undefined> {
  const body = await readText(request, small(limits)).catch((error) => {
    checkType(request);
    throw error;
  });
  if (body === "") return undefined;
  checkType(request);
  const text = body.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  const isJson = contentTypeOf(request) === JSON_TYPE;
  const number = isJson ? parseJsonNumber(text) : /^\d+$/.test(text) ? Number(text) : undefined;
  if (number === undefined) throw new Problem(400, "The body must be a whole number, 0 or more");
  return number;
}

function checkType(request: Request): void {
  const type = contentTypeOf(request);
  if (type !== undefined && !TYPES.includes(type)) {
    const accept = TYPES.join(", ");
    throw new Problem(415, `A number must be sent as ${accept}`, { accept });
  }
  checkEncoding(request, "A number");
}

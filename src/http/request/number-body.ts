import { parseJsonNumber } from "../../mapping/whole-number.ts";
import { Problem } from "../response/problem.ts";
import { type BodyReading, readText } from "./body.ts";
import { announcesBody, checkContentType, JSON_TYPE } from "./content-type.ts";

/**
 * Reads a body that is empty or a whole number, with optional white space around it: decimal digits, and in
 * JSON also `1e3` or `1.0`.
 *
 * @returns `undefined` for an empty body. Above 2^53 − 1 the number may be inexact.
 * @throws {Problem} 415 for another content type or an encoding, before the body is read if the request
 * announces one; otherwise as {@linkcode readText}, and 400 for any other content.
 */
export async function readWholeNumber(request: Request, reading: BodyReading): Promise<number | undefined> {
  if (announcesBody(request)) checkContentType(request, "A number");
  const body = await readText(request, reading).catch((error) => {
    checkContentType(request, "A number");
    throw error;
  });
  if (body === "") return undefined;
  const isJson = checkContentType(request, "A number") === JSON_TYPE;
  const text = body.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  const number = isJson ? parseJsonNumber(text) : /^\d+$/.test(text) ? Number(text) : undefined;
  if (number === undefined) throw new Problem(400, "The body must be a whole number, 0 or more");
  return number;
}

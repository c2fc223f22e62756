import { parseJsonNumber } from "../../mapping/whole-number.ts";
import { Problem } from "../response/problem.ts";
import type { BodyReading } from "./body.ts";
import { readSmall } from "./content-type.ts";

/**
 * Reads a body that is empty or a whole number, with optional white space around it: decimal digits, and in
 * JSON also `1e3` or `1.0`.
 *
 * @returns `undefined` for an empty body. Above 2^53 − 1 the number may be inexact.
 * @throws {Problem} as {@linkcode readSmall}, and 400 for any other content.
 */
export async function readWholeNumber(request: Request, reading: BodyReading): Promise<number | undefined> {
  const { text: body, isJson } = await readSmall(request, reading, "A number");
  if (body === "") return undefined;
  const text = body.replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, "");
  const number = isJson ? parseJsonNumber(text) : /^\d+$/.test(text) ? Number(text) : undefined;
  if (number === undefined) throw new Problem(400, "The body must be a whole number, 0 or more");
  return number;
}

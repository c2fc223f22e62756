import { Problem } from "./problem.ts";

/** What a number may be sent as; the form type is what `curl -d` says of everything. */
const NUMBER_TYPES = ["text/plain", "application/json", "application/x-www-form-urlencoded"];

/**
 * Reads all of a request's body, so that nothing happens for one that breaks off or proves malformed.
 *
 * Holds at most `maxBytes` and one chunk.
 *
 * @throws {Problem} 413 past `maxBytes`, 400 if it breaks off or is not UTF-8.
 */
export async function readText(request: Request, maxBytes: number): Promise<string> {
  if (request.body === null) return "";
  const tooLarge = new Problem(413, `The body is longer than ${maxBytes} bytes`);
  if (Number(request.headers.get("content-length")) > maxBytes) throw tooLarge;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const reader = request.body.getReader();
  let text = "";
  let bytes = 0;
  try {
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      bytes += value?.byteLength ?? 0;
      if (bytes > maxBytes) throw tooLarge;
      text += decoder.decode(value, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    // Not awaited: what is still under way need not be waited for.
    reader.cancel().catch(() => {});
    throw error === tooLarge ? error : new Problem(400, "The body breaks off, or is not UTF-8");
  }
}

/**
 * Reads a body that is empty or a whole number in decimal digits, white space around it allowed.
 *
 * @returns `undefined` for an empty one. Past 2^53 − 1 the number may not be exact.
 * @throws {Problem} 400 if it is anything else, 415 if it says that it is of another type, and as {@linkcode readText}.
 */
export async function readWholeNumber(request: Request, maxBytes: number): Promise<number | undefined> {
  const body = await readText(request, maxBytes);
  if (body === "") return undefined;
  const type = request.headers.get("content-type")?.replace(/;.*/s, "").trim().toLowerCase();
  if (type !== undefined && !NUMBER_TYPES.includes(type)) {
    throw new Problem(415, `A number is sent as ${NUMBER_TYPES.join(", ")}`);
  }
  const digits = /^[\t\n\r ]*(\d+)[\t\n\r ]*$/.exec(body)?.[1];
  if (digits === undefined) throw new Problem(400, "The body must be a whole number, 0 or more");
  return Number(digits);
}

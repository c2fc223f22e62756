import { Problem } from "./problem.ts";

/** What a number may be sent as; the form type is what `curl -d` says of everything. */
const NUMBER_TYPES = ["text/plain", "application/json", "application/x-www-form-urlencoded"];

/**
 * Reads all of a request's body, whatever it is, so that nothing happens for one that breaks off or is malformed.
 *
 * @throws {Problem} 413 past `maxBytes`, 400 if it breaks off.
 */
export async function readToEnd(
  request: Request,
  maxBytes: number,
  take: (piece: Uint8Array) => void = () => {},
): Promise<void> {
  if (request.body === null) return;
  if (Number(request.headers.get("content-length")) > maxBytes) throw tooLarge(maxBytes);
  const reader = request.body.getReader();
  let bytes = 0;
  try {
    for (let piece = await read(reader); piece !== undefined; piece = await read(reader)) {
      bytes += piece.byteLength;
      if (bytes > maxBytes) throw tooLarge(maxBytes);
      take(piece);
    }
  } catch (error) {
    reader.cancel().catch(() => {}); // not awaited: what is still under way need not be waited for
    throw error;
  }
}

async function read(
  reader: Pick<ReadableStreamDefaultReader<Uint8Array>, "read">,
): Promise<Uint8Array | undefined> {
  try {
    return (await reader.read()).value;
  } catch {
    throw new Problem(400, "The body breaks off");
  }
}

function tooLarge(maxBytes: number): Problem {
  return new Problem(413, `The body is longer than ${maxBytes} bytes`);
}

/** Reads a body as UTF-8; 400 if it is not. Holds at most `maxBytes` and one piece. */
export async function readText(request: Request, maxBytes: number): Promise<string> {
  let text = "";
  await readTextPieces(request, maxBytes, (piece) => {
    text += piece;
  });
  return text;
}

/** Reads a body as UTF-8, piece by piece; 400 if it is not. What `take` throws ends the reading. */
export async function readTextPieces(
  request: Request,
  maxBytes: number,
  take: (piece: string) => void,
): Promise<void> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  await readToEnd(request, maxBytes, (piece) => take(decode(decoder, piece, true)));
  take(decode(decoder, new Uint8Array(), false));
}

function decode(decoder: TextDecoder, piece: Uint8Array, stream: boolean): string {
  try {
    return decoder.decode(piece, { stream });
  } catch {
    throw new Problem(400, "The body is not UTF-8");
  }
}

/** What a body says that it is, without parameters and in lower case; `undefined` if it says nothing. */
export function contentTypeOf(request: Request): string | undefined {
  return request.headers.get("content-type")?.replace(/;.*/s, "").trim().toLowerCase();
}

/** @throws {Problem} 415 if a body is encoded. */
export function refuseEncoding(request: Request, what: string): void {
  if (/[^\s,]/.test(request.headers.get("content-encoding")?.replace(/identity/gi, "") ?? "")) {
    throw new Problem(415, `${what} is sent without a content encoding`, { "accept-encoding": "identity" });
  }
}

/**
 * Reads a body that is empty or a whole number in decimal digits, white space around it allowed.
 *
 * @returns `undefined` for an empty one. Past 2^53 − 1 the number may not be exact.
 * @throws {Problem} 400 if it is anything else, 415 if it says that it is of another type or encoded, and as
 * {@linkcode readToEnd}.
 */
export async function readWholeNumber(request: Request, maxBytes: number): Promise<number | undefined> {
  const body = await readText(request, maxBytes);
  if (body === "") return undefined;
  const type = contentTypeOf(request);
  if (type !== undefined && !NUMBER_TYPES.includes(type)) {
    const accept = NUMBER_TYPES.join(", ");
    throw new Problem(415, `A number is sent as ${accept}`, { accept });
  }
  refuseEncoding(request, "A number");
  const digits = /^[\t\n\r ]*(\d+)[\t\n\r ]*$/.exec(body)?.[1];
  if (digits === undefined) throw new Problem(400, "The body must be a whole number, 0 or more");
  return Number(digits);
}

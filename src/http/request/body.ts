import type { Awaitable } from "../../async.ts";
import { Problem } from "../response/problem.ts";

/** What a number may be sent as; the form type is what `curl -d` says of everything. */
const NUMBER_TYPES = ["text/plain", "application/json", "application/x-www-form-urlencoded"];

/** A body that has no more bytes than this is read in one piece where its length is trusted: a stream takes longer. */
const SMALL = 64 * 1024;

/** What bodies may be. */
export interface BodyLimits {
  /** The longest, in bytes. */
  maxBodyBytes: number;
  /** Whether what a request says of its body's length is true, as whoever took it from a connection has seen to. */
  trustsLength: boolean;
}

/**
 * Reads all of a request's body, whatever it is, so that nothing happens for one that breaks off or is malformed.
 *
 * @throws {Problem} 413 past `maxBodyBytes`, 400 if it breaks off.
 */
export async function readToEnd(
  request: Request,
  limits: BodyLimits,
  take: (piece: Uint8Array) => void = () => {},
): Promise<void> {
  if (request.body === null) return;
  const { maxBodyBytes, trustsLength } = limits;
  const length = Number(request.headers.get("content-length"));
  if (length > maxBodyBytes) throw tooLarge(maxBodyBytes);
  if (trustsLength && length > 0 && length <= SMALL) return take(await readWhole(request, maxBodyBytes));
  const reader = request.body.getReader();
  let bytes = 0;
  try {
    for (let piece = await read(reader); piece !== undefined; piece = await read(reader)) {
      bytes += piece.byteLength;
      if (bytes > maxBodyBytes) throw tooLarge(maxBodyBytes);
      take(piece);
    }
  } catch (error) {
    reader.cancel().catch(() => {}); // not awaited: what is still under way need not be waited for
    throw error;
  }
}

/** Calls `act` when all of a body has arrived, whatever it contains: a request that breaks off does nothing. */
export function afterBody(
  request: Request,
  limits: BodyLimits,
  act: () => Awaitable<Response>,
): Awaitable<Response> {
  return request.body === null ? act() : readToEnd(request, limits).then(act);
}

async function readWhole(request: Request, maxBodyBytes: number): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(await request.arrayBuffer());
  } catch {
    throw brokenOff();
  }
  if (bytes.length > maxBodyBytes) throw tooLarge(maxBodyBytes);
  return bytes;
}

async function read(
  reader: Pick<ReadableStreamDefaultReader<Uint8Array>, "read">,
): Promise<Uint8Array | undefined> {
  try {
    return (await reader.read()).value;
  } catch {
    throw brokenOff();
  }
}

function brokenOff(): Problem {
  return new Problem(400, "The body breaks off");
}

function tooLarge(maxBodyBytes: number): Problem {
  return Problem.of("BodyTooLarge", `The body is longer than ${maxBodyBytes} bytes`, { maxBodyBytes });
}

/** Reads a body as UTF-8; 400 if it is not. Holds at most `maxBodyBytes` and one piece. */
export async function readText(request: Request, limits: BodyLimits): Promise<string> {
  let text = "";
  await readTextPieces(request, limits, (piece) => {
    text += piece;
  });
  return text;
}

/** Reads a body as UTF-8, piece by piece; 400 if it is not. What `take` throws ends the reading. */
export async function readTextPieces(
  request: Request,
  limits: BodyLimits,
  take: (piece: string) => void,
): Promise<void> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  await readToEnd(request, limits, (piece) => take(decode(decoder, piece, true)));
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
export function checkEncoding(request: Request, what: string): void {
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
export async function readWholeNumber(request: Request, limits: BodyLimits): Promise<number | undefined> {
  const body = await readText(request, limits);
  if (body === "") return undefined;
  const type = contentTypeOf(request);
  if (type !== undefined && !NUMBER_TYPES.includes(type)) {
    const accept = NUMBER_TYPES.join(", ");
    throw new Problem(415, `A number is sent as ${accept}`, { accept });
  }
  checkEncoding(request, "A number");
  const digits = /^[\t\n\r ]*(\d+)[\t\n\r ]*$/.exec(body)?.[1];
  if (digits === undefined) throw new Problem(400, "The body must be a whole number, 0 or more");
  return Number(digits);
}

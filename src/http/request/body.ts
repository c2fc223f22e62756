import { type Awaitable, settlesWithin, yieldTurn } from "../../async.ts";
import { Problem } from "../response/problem.ts";

/** Largest body of a request other than a batch, in bytes. A number needs 16 digits. */
const MAX_SMALL_BODY_BYTES = 1024;

/** Most bytes of a body that is read in one piece if its length is trusted, which is faster than a stream. */
const ONE_PIECE_BYTES = 64 * 1024;

/** Most bytes that are taken in one turn of the event loop: a few thousand songs. */
const SLICE_BYTES = 32 * 1024;

/** Limits of request bodies. */
export interface BodyLimits {
  /** Largest body, in bytes. */
  maxBodyBytes: number;
  /** Seconds that a body may take to arrive, from its request to its end. */
  bodySeconds: number;
  /** Set if `Content-Length` is true of every body, as an HTTP server guarantees. */
  trustsLength: boolean;
  /**
   * Resolves when the runtime has parsed all that has arrived. Set if it gives up a connection whose handler
   * waits, for bytes after the request: the request has to change nothing then.
   */
  whenParsed?: (() => Promise<void>) | undefined;
  /** Reserves memory for bytes of the body before they are taken; throws to refuse them. */
  reserve?: (bytes: number) => void;
}

/**
 * Reads a request's body to its end, and calls `take` with each piece, of at most 32 KiB a turn of the event
 * loop.
 *
 * @throws {Problem} 413 past `maxBodyBytes`, 408 after `bodySeconds`, 400 if the body is incomplete, and any
 * error of `reserve` or `take`.
 */
export async function readToEnd(
  request: Request,
  limits: BodyLimits,
  take: (piece: Uint8Array) => void = () => {},
): Promise<void> {
  await readAll(request, limits, take);
  await whenComplete(request, limits);
}

/** Rejects if the runtime gives up a request for what follows it; `undefined` if nothing is to be awaited. */
export function whenComplete(request: Request, { whenParsed }: BodyLimits): Promise<void> | undefined {
  return whenParsed?.().then(() => {
    if (request.signal.aborted) throw new Problem(400, "The connection was closed");
  });
}

async function readAll(
  request: Request,
  limits: BodyLimits,
  take: (piece: Uint8Array) => void,
): Promise<void> {
  if (request.body === null) return;
  const { maxBodyBytes, bodySeconds, trustsLength, reserve = () => {} } = limits;
  const length = Number(request.headers.get("content-length"));
  if (length > maxBodyBytes) throw tooLarge(maxBodyBytes);
  if (trustsLength && length > 0 && length <= ONE_PIECE_BYTES) {
    reserve(length);
    return takeInSlices(await readWhole(request, limits), take);
  }
  const reader = request.body.getReader();
  let isLate = false;
  const deadline = setTimeout(() => {
    isLate = true;
    reader.cancel().catch(() => {}); // ends the read that is waiting
  }, bodySeconds * 1000);
  let bytes = 0;
  try {
    for (let piece = await read(reader); piece !== undefined; piece = await read(reader)) {
      bytes += piece.byteLength;
      if (bytes > maxBodyBytes) throw tooLarge(maxBodyBytes);
      reserve(piece.byteLength);
      await takeInSlices(piece, take);
    }
    if (isLate) throw tooSlow(bodySeconds);
  } catch (error) {
    reader.cancel().catch(() => {}); // not awaited: the answer need not wait for the rest of the body
    throw isLate ? tooSlow(bodySeconds) : error; // on workerd the read that is waiting fails
  } finally {
    clearTimeout(deadline);
  }
}

async function takeInSlices(piece: Uint8Array, take: (slice: Uint8Array) => void): Promise<void> {
  for (let at = 0; at < piece.length; at += SLICE_BYTES) {
    if (at > 0) await yieldTurn();
    take(piece.subarray(at, at + SLICE_BYTES));
  }
}

/**
 * Calls `act` after all of a body has arrived. Its content is ignored, but a request that breaks off does
 * nothing.
 */
export function afterBody(
  request: Request,
  limits: BodyLimits,
  act: () => Awaitable<Response>,
): Awaitable<Response> {
  if (request.body === null && limits.whenParsed === undefined) return act();
  return readToEnd(request, small(limits)).then(act);
}

/** Returns the limits of a body other than a batch. */
export function small(limits: BodyLimits): BodyLimits {
  return { ...limits, maxBodyBytes: Math.min(limits.maxBodyBytes, MAX_SMALL_BODY_BYTES) };
}

async function readWhole(request: Request, { maxBodyBytes, bodySeconds }: BodyLimits): Promise<Uint8Array> {
  const whole = request.arrayBuffer().catch(() => {
    throw brokenOff();
  });
  if (!(await settlesWithin(whole, bodySeconds))) throw tooSlow(bodySeconds);
  const bytes = new Uint8Array(await whole);
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
  return new Problem(400, "The body is incomplete");
}

/** The rest of the body would follow on the connection, so that has to be closed (RFC 9110 §15.5.9). */
function tooSlow(bodySeconds: number): Problem {
  return new Problem(408, `The body took longer than ${bodySeconds} seconds`, { connection: "close" });
}

function tooLarge(maxBodyBytes: number): Problem {
  return Problem.of("BodyTooLarge", `The body is longer than ${maxBodyBytes} bytes`, { maxBodyBytes });
}

/**
 * Reads a body as UTF-8. Holds at most `maxBodyBytes` and one piece.
 *
 * @throws {Problem} as {@linkcode readToEnd}, and 400 if the body is not UTF-8.
 */
export async function readText(request: Request, limits: BodyLimits): Promise<string> {
  let text = "";
  await readTextPieces(request, limits, (piece) => {
    text += piece;
  });
  return text;
}

/**
 * Reads a body as UTF-8, piece by piece. An error of `take` ends the reading.
 *
 * @throws {Problem} as {@linkcode readText}.
 */
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

/** Returns the content type without parameters and in lower case; `undefined` without one. */
export function contentTypeOf(request: Request): string | undefined {
  return request.headers.get("content-type")?.replace(/;.*/s, "").trim().toLowerCase();
}

/** @throws {Problem} 415 if a body has a content encoding. `what` begins the sentence. */
export function checkEncoding(request: Request, what: string): void {
  if (/[^\s,]/.test(request.headers.get("content-encoding")?.replace(/identity/gi, "") ?? "")) {
    throw new Problem(415, `${what} must be sent without a content encoding`, {
      "accept-encoding": "identity",
    });
  }
}

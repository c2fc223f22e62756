import type { Awaitable } from "../../async/awaitable.ts";
import { resolvesWithin } from "../../async/timing.ts";
import { yieldTurn } from "../../async/turns.ts";
import { Problem } from "../response/problem.ts";
import type { Reserve } from "./byte-budget.ts";

/** Largest body of a request other than a batch, in bytes. A number needs 16 digits. */
const MAX_SMALL_BODY_BYTES = 1024;

/**
 * Largest batch in JSON, in bytes. Unlike text, it is held as a whole before its first pair is read, and a
 * member is read in one step, however long it is.
 */
const MAX_JSON_BATCH_BYTES = 64 * 1024;

/** Most bytes of a body that is read in one piece if its length is trusted, which is faster than a stream. */
const ONE_PIECE_BYTES = 64 * 1024;

/** Most bytes that are taken in one turn of the event loop: a few thousand songs. */
const SLICE_BYTES = 32 * 1024;

/** Limits of a kind of bodies, and the properties of the server that reads them. */
export interface BodyReading {
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
}

/** The readings of a handler, by the kinds of bodies. */
export type BodyReadings = Readonly<Record<"batch" | "jsonBatch" | "other", BodyReading>>;

/** Makes the readings of a handler from that of a batch in text, which has the highest limit. */
export function bodyReadings(batch: BodyReading): BodyReadings {
  const upTo = (bytes: number) => ({ ...batch, maxBodyBytes: Math.min(batch.maxBodyBytes, bytes) });
  return { batch, jsonBatch: upTo(MAX_JSON_BATCH_BYTES), other: upTo(MAX_SMALL_BODY_BYTES) };
}

/**
 * Reads a request's body to its end, and calls `take` with each piece, of at most 32 KiB a turn of the event
 * loop. Calls `reserve` before it takes bytes.
 *
 * @throws {Problem} 413 past `maxBodyBytes`, 408 after `bodySeconds`, 400 if the body is incomplete or has a
 * transfer coding besides chunked, and any error of `reserve` or `take`.
 */
export async function readToEnd(
  request: Request,
  reading: BodyReading,
  take: (piece: Uint8Array) => void = () => {},
  reserve: Reserve = () => {},
): Promise<void> {
  await readAll(request, reading, take, reserve);
  await whenComplete(request, reading);
}

/**
 * Waits until the runtime has parsed all that arrived. Rejects with 400 if it closed the connection.
 * `undefined` if nothing has to be awaited.
 */
export function whenComplete(request: Request, { whenParsed }: BodyReading): Promise<void> | undefined {
  return whenParsed?.().then(() => {
    if (request.signal.aborted) throw new Problem(400, "The connection was closed");
  });
}

async function readAll(
  request: Request,
  reading: BodyReading,
  take: (piece: Uint8Array) => void,
  reserve: Reserve,
): Promise<void> {
  if (request.body === null) return;
  checkTransferCoding(request);
  const { maxBodyBytes, bodySeconds, trustsLength } = reading;
  const length = Number(request.headers.get("content-length"));
  if (length > maxBodyBytes) throw tooLarge(maxBodyBytes);
  if (trustsLength && length > 0 && length <= ONE_PIECE_BYTES) {
    reserve(length);
    return takeInSlices(await readWhole(request, reading), take);
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
  if (piece.length <= SLICE_BYTES) return take(piece);
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
  reading: BodyReading,
  act: () => Awaitable<Response>,
): Awaitable<Response> {
  if (request.body === null && reading.whenParsed === undefined) return act();
  return readToEnd(request, reading).then(act);
}

/** @throws {Problem} 400 for a coding that the runtime has not undone: its content would be misread. */
function checkTransferCoding({ headers }: Request): void {
  if (/^(?:chunked)?$/i.test(headers.get("transfer-encoding") ?? "")) return;
  throw new Problem(400, "Transfer-Encoding must be chunked", { connection: "close" });
}

async function readWhole(request: Request, { maxBodyBytes, bodySeconds }: BodyReading): Promise<Uint8Array> {
  const whole = request.arrayBuffer().catch(() => {
    throw brokenOff();
  });
  if (!(await resolvesWithin(whole, bodySeconds))) throw tooSlow(bodySeconds);
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
export async function readText(request: Request, reading: BodyReading, reserve?: Reserve): Promise<string> {
  const pieces: string[] = [];
  await readTextPieces(request, reading, (piece) => pieces.push(piece), reserve);
  return pieces.join("");
}

/**
 * Reads a body as UTF-8, piece by piece. An error of `take` ends the reading.
 *
 * @throws {Problem} as {@linkcode readText}.
 */
export async function readTextPieces(
  request: Request,
  reading: BodyReading,
  take: (piece: string) => void,
  reserve?: Reserve,
): Promise<void> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  await readToEnd(request, reading, (piece) => take(decode(decoder, piece)), reserve);
  decode(decoder);
}

/** Decodes a piece. Without one, checks that the last one has not ended within a character. */
function decode(decoder: TextDecoder, piece?: Uint8Array): string {
  try {
    return decoder.decode(piece, { stream: piece !== undefined });
  } catch {
    throw new Problem(400, "The body is not UTF-8");
  }
}

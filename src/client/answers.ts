import { quoted } from "../error-message.ts";
import { PairReader } from "../mapping/read.ts";
import { parseWholeNumber } from "../mapping/whole-number.ts";
import { CountServerError } from "./count-server-error.ts";

/** Longest text that is read of a body that is not a mapping. */
const MAX_TEXT = 64 * 1024;

/** Waits for the next part of an answer, and maps a failure to a {@linkcode CountServerError}. */
export type Arrival = <T>(part: Promise<T>, advice?: string) => Promise<T>;

/** An answer whose body is still arriving. */
export interface ServerAnswer {
  server: string;
  response: Response;
  /** The body in pieces, however long all of them take. It can be read once, here or by `text`. */
  pieces: AsyncIterable<string>;
  /** Reads a short body, which arrives within one time-out, and no more than its first 64 Ki characters. */
  text: () => Promise<string>;
}

/** Reads an answer, and returns what the caller asked for. */
export type Read<T> = (answer: ServerAnswer) => Promise<T>;

/** Reads a short body. */
export async function readText(answer: ServerAnswer): Promise<string> {
  return await answer.text();
}

/** Reads the answer to a request that returns nothing. */
export async function readDone(answer: ServerAnswer): Promise<void> {
  const text = await answer.text();
  if (text !== "OK") throw wrong(answer, `is ${quoted(text)}, not OK`);
}

/** Reads the answer to the request for one count, or to a play, after which the count is at least `added`. */
export async function readCount(answer: ServerAnswer, added = 0): Promise<number> {
  const text = await answer.text();
  const count = parseWholeNumber(text);
  if (count === undefined) throw wrong(answer, `is ${quoted(text)}, not a count`);
  if (count < added) throw wrong(answer, `to a play is ${count}`);
  return count;
}

/**
 * Reads a mapping pair by pair, as it arrives. An empty one is believed only as plain text: a captive portal
 * may answer any request with an empty page.
 */
export async function readPairs(
  answer: ServerAnswer,
  take: (id: string, count: number) => void,
): Promise<void> {
  let isEmpty = true;
  const reader = new PairReader((text, start, end, count) => {
    isEmpty = false;
    take(text.slice(start, end), count);
  });
  try {
    for await (const piece of answer.pieces) reader.push(piece);
    reader.finish();
  } catch (cause) {
    throw cause instanceof SyntaxError ? wrong(answer, `is not a mapping: ${cause.message}`, cause) : cause;
  }
  const type = answer.response.headers.get("content-type") ?? "";
  if (isEmpty && !/^text\/plain\b/i.test(type))
    throw wrong(answer, "is empty, and not of the type text/plain");
}

/** Reads the header of an answer to plays: the newest fold that was sealed before they were counted. */
export async function readNewestFold(answer: ServerAnswer): Promise<number> {
  await answer.text();
  const { server, response } = answer;
  const fold = parseWholeNumber(response.headers.get("fold") ?? "");
  if (fold !== undefined) return fold;
  const message = `${server} is not a play counter: its answer has no Fold header`;
  throw new CountServerError(server, message, { status: response.status });
}

/**
 * Returns the number of a writer's newest request, if a server refused an older one because of it;
 * `undefined` for any other failure.
 */
export function lastRequestIn(error: unknown): number | undefined {
  if (!(error instanceof CountServerError) || error.type !== "StaleKey") return undefined;
  return error.members["newestSeq"];
}

/** Returns the error of an answer that is a success, but not the expected one. A retry would not help. */
export function wrong({ server, response: { status } }: ServerAnswer, fault: string, cause?: unknown): Error {
  return new CountServerError(server, `The answer of ${server} ${fault}`, { status, cause });
}

/** Returns the text of an answer in pieces, as they arrive. */
export async function* piecesOf({ body }: Response, arriving: Arrival): AsyncGenerator<string> {
  if (body === null) return;
  const reader = body.getReader(); // not every browser can iterate a stream
  const decoder = new TextDecoder();
  for (;;) {
    const { value, done } = await arriving(reader.read());
    yield decoder.decode(value, { stream: !done });
    if (done) return;
  }
}

/** Returns the beginning of a text. */
export async function textOf(response: Response): Promise<string> {
  let text = "";
  for await (const piece of piecesOf(response, (part) => part)) {
    text += piece;
    if (text.length > MAX_TEXT) break;
  }
  return text;
}

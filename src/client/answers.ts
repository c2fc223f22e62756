import { quoted } from "../error-message.ts";
import { PairReader } from "../mapping/read.ts";
import { parseWholeNumber } from "../mapping/whole-number.ts";
import { CountServerError } from "./count-server-error.ts";
import { SongSlice } from "./slice.ts";

/** An answer whose body is still arriving. */
export interface ServerAnswer {
  server: string;
  response: Response;
  /** The body. Can be read once. */
  pieces: AsyncIterable<string>;
}

/** Reads an answer, and returns what the caller asked for. */
export type Read<T> = (answer: ServerAnswer) => Promise<T>;

/** Longest text that is read of a body that is not a mapping. */
const MAX_TEXT = 64 * 1024;

/** Reads a short body, and no more than its first 64 Ki characters. */
export async function readText({ pieces }: ServerAnswer): Promise<string> {
  let text = "";
  for await (const piece of pieces) {
    text += piece;
    if (text.length > MAX_TEXT) break;
  }
  return text;
}

/** Reads the answer to a request that returns nothing. */
export async function readDone(answer: ServerAnswer): Promise<void> {
  const text = await readText(answer);
  if (text !== "OK") throw wrong(answer, `is ${quoted(text)}, not OK`);
}

/** Reads the answer to a play, or to the request for one count. */
export async function readCount(answer: ServerAnswer): Promise<number> {
  return wholeNumber(answer, await readText(answer), "a count");
}

/** Reads a mapping pair by pair, as it arrives. */
export async function readPairs(
  answer: ServerAnswer,
  take: (id: string, count: number) => void,
): Promise<void> {
  const reader = new PairReader(take);
  try {
    for await (const piece of answer.pieces) reader.push(piece);
    reader.finish();
  } catch (cause) {
    throw cause instanceof SyntaxError ? wrong(answer, `is not a mapping: ${cause.message}`, cause) : cause;
  }
}

/** Reads a mapping, in which no song stands twice, in its order. */
export async function readMapping(answer: ServerAnswer): Promise<Map<string, number>> {
  return (await readSlice(answer, new SongSlice())).counts;
}

/** Reads those songs of a mapping that are in `slice`. */
export async function readSlice(answer: ServerAnswer, slice: SongSlice): Promise<SongSlice> {
  await readPairs(answer, (id, count) => slice.add(id, count));
  return slice;
}

/**
 * Reads the answer to a batch: the new count of each of its songs.
 *
 * A count below the plays that were just added means that the answer is not from a play counter. It is
 * unknown then if the plays were counted.
 */
export async function readTotals(
  answer: ServerAnswer,
  plays: Iterable<readonly [string, number]>,
): Promise<Map<string, number>> {
  const totals = await readMapping(answer);
  for (const [id, added] of plays)
    if ((totals.get(id) ?? -1) < added) throw wrong(answer, `to a batch lacks plays of ${quoted(id)}`);
  return totals;
}

/** Reads the answer to the request for the folds that are not acknowledged. */
export async function readFolds(answer: ServerAnswer): Promise<number[]> {
  const text = await readText(answer);
  return text === "" ? [] : text.split(",").map((digits) => wholeNumber(answer, digits, "a fold"));
}

/** Reads the header of an answer to plays: the newest fold that was sealed before they were counted. */
export async function readNewestFold(answer: ServerAnswer): Promise<number> {
  await readText(answer);
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

function wholeNumber({ server, response: { status } }: ServerAnswer, digits: string, what: string): number {
  const number = parseWholeNumber(digits);
  if (number !== undefined) return number;
  throw new CountServerError(server, `${server} answered ${quoted(digits)}, which is not ${what}`, {
    status,
  });
}

/** Returns the error of an answer that is a success, but not the expected one. A retry would not help. */
function wrong({ server, response: { status } }: ServerAnswer, fault: string, cause?: unknown): Error {
  return new CountServerError(server, `The answer of ${server} ${fault}`, { status, cause });
}

import { quoted } from "../error-message.ts";
import { PairReader } from "../mapping/read.ts";
import { parseWholeNumber } from "../mapping/whole-number.ts";
import { CountServerError } from "./count-server-error.ts";

/** The body of a server's answer. */
export interface ServerReply {
  server: string;
  answer: string;
}

/** Reads the answer to a play, or to the request for one count. */
export function readCount({ server, answer }: ServerReply): number {
  const count = parseWholeNumber(answer);
  if (count !== undefined) return count;
  throw new CountServerError(server, `${server} answered ${quoted(answer)}, which is not a count`);
}

/** Reads a listing, in which no song stands twice. */
export function readMapping({ server, answer }: ServerReply): Map<string, number> {
  const counts = new Map<string, number>();
  const reader = new PairReader((id, count) => {
    if (counts.has(id)) throw new SyntaxError(`Cannot read a mapping: ${quoted(id)} is listed twice`);
    counts.set(id, count);
  });
  readMappingPart(server, () => {
    reader.push(answer);
    reader.finish();
  });
  return counts;
}

/**
 * Reads the answer to a batch: the new count of each of its songs.
 *
 * A count below the plays that were just added means that the answer is not from a play counter. Whether the
 * plays were counted is unknown then.
 */
export function readTotals(
  reply: ServerReply,
  plays: Iterable<readonly [string, number]>,
): Map<string, number> {
  const totals = readMapping(reply);
  for (const [id, added] of plays) {
    if ((totals.get(id) ?? -1) >= added) continue;
    throw new CountServerError(
      reply.server,
      `${reply.server} did not answer the plays of ${quoted(id)} in a batch`,
    );
  }
  return totals;
}

/** Calls `read`, and maps an error to that of a server whose answer is not a mapping. */
export function readMappingPart(server: string, read: () => void): void {
  try {
    read();
  } catch (cause) {
    const message = `The answer of ${server} is not a mapping: ${(cause as Error).message}`;
    throw new CountServerError(server, message, { cause });
  }
}

/** Reads the answer to the request for the folds that are not acknowledged. */
export function readFolds({ server, answer }: ServerReply): number[] {
  if (answer === "") return [];
  return answer.split(",").map((digits) => {
    const fold = parseWholeNumber(digits);
    if (fold !== undefined) return fold;
    throw new CountServerError(server, `${server} answered ${quoted(answer)}, which is not a list of folds`);
  });
}

/** Reads the header of an answer to plays: the newest fold that was sealed before they were counted. */
export async function readNewestFold(server: string, response: Response): Promise<number> {
  await response.text();
  const fold = parseWholeNumber(response.headers.get("fold") ?? "");
  if (fold !== undefined) return fold;
  throw new CountServerError(server, `${server} is not a play counter: its answer has no Fold header`);
}

/**
 * Returns the number of a writer's newest request, if a server refused an older one because of it;
 * `undefined` for any other failure.
 */
export function lastRequestIn(error: unknown): number | undefined {
  if (!(error instanceof CountServerError) || error.type !== "StaleKey") return undefined;
  return error.members["newestSeq"];
}

/** Returns the sum of the listings of several servers. */
export function sumUp(answers: readonly ServerReply[]): Map<string, number> {
  const all = new Map<string, number>();
  for (const answer of answers) {
    for (const [id, count] of readMapping(answer)) {
      const sum = (all.get(id) ?? 0) + count;
      if (!Number.isSafeInteger(sum)) {
        throw new CountServerError(
          answer.server,
          `The sum of all servers' plays of ${quoted(id)} exceeds ${Number.MAX_SAFE_INTEGER}`,
        );
      }
      all.set(id, sum);
    }
  }
  return all;
}

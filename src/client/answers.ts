import { parseMapping } from "../mapping/write.ts";
import { CountServerError } from "./count-server-error.ts";

/** What a server answered. */
export interface ServerReply {
  server: string;
  answer: string;
}

/** Reads the answer to a play, or to the question for one count. */
export function readCount({ server, answer }: ServerReply): number {
  const count = /^\d+$/.test(answer) ? Number(answer) : Number.NaN;
  if (Number.isSafeInteger(count)) return count;
  throw new CountServerError(
    server,
    `${server} did not answer a count: ${JSON.stringify(answer.slice(0, 80))}`,
  );
}

/** Reads a listing. */
export function readMapping({ server, answer }: ServerReply): Map<string, number> {
  try {
    return parseMapping(answer);
  } catch (cause) {
    throw new CountServerError(server, `${server} did not answer a mapping: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** Reads the answer to the question which folds are not acknowledged. */
export function readFolds({ server, answer }: ServerReply): number[] {
  if (answer === "") return [];
  const folds = answer.split(",").map((fold) => (/^\d+$/.test(fold) ? Number(fold) : Number.NaN));
  if (folds.every(Number.isSafeInteger)) return folds;
  const found = JSON.stringify(answer.slice(0, 80));
  throw new CountServerError(server, `${server} did not answer a list of folds: ${found}`);
}

/** Reads what an answer to plays says of folds: the newest one that was sealed before they were counted. */
export async function readNewestFold(server: string, response: Response): Promise<number> {
  await response.text();
  const fold = response.headers.get("fold") ?? "";
  if (/^\d+$/.test(fold)) return Number(fold);
  throw new CountServerError(server, `${server} did not answer as a play counter does, with a Fold`);
}

/**
 * Returns the number of a writer's newest request, if a server refused an older one because of it; `undefined` for any
 * other failure.
 */
export function lastRequestIn(error: unknown): number | undefined {
  if (!(error instanceof CountServerError) || error.type !== "StaleKey") return undefined;
  const { newestSeq } = error.members;
  return Number.isSafeInteger(newestSeq) ? (newestSeq as number) : undefined;
}

/** The sum of the listings of several servers. */
export function sumUp(answers: readonly ServerReply[]): Map<string, number> {
  const all = new Map<string, number>();
  for (const answer of answers) {
    for (const [id, count] of readMapping(answer)) {
      const sum = (all.get(id) ?? 0) + count;
      if (!Number.isSafeInteger(sum)) {
        const song = JSON.stringify(id);
        throw new CountServerError(answer.server, `The sum of all servers' plays of ${song} is not exact`);
      }
      all.set(id, sum);
    }
  }
  return all;
}

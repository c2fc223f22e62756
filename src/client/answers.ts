import { parseMapping } from "../mapping.ts";
import { CountServerError } from "./count-server-error.ts";

/** What a server answered. */
export interface Answer {
  server: string;
  answer: string;
}

/** Reads the answer to a play, or to the question for one count. */
export function readCount({ server, answer }: Answer): number {
  const count = /^\d+$/.test(answer) ? Number(answer) : Number.NaN;
  if (Number.isSafeInteger(count)) return count;
  throw new CountServerError(
    server,
    `${server} did not answer a count: ${JSON.stringify(answer.slice(0, 80))}`,
  );
}

/** Reads a listing. */
export function readMapping({ server, answer }: Answer): Map<string, number> {
  try {
    return parseMapping(answer);
  } catch (cause) {
    throw new CountServerError(server, `${server} did not answer a mapping: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** The sum of the listings of several servers. */
export function sumUp(answers: readonly Answer[]): Map<string, number> {
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

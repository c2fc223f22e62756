import { run } from "./children.ts";
import { findProgram } from "./programs.ts";

const CONNECTIONS = 32;

/** What a load generator saw. */
export interface Load {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** The part that is used of what oha prints; any of it may be missing if its format changes. */
interface OhaOutput {
  summary?: { requestsPerSec?: number };
  /** In seconds; null if nothing was answered. */
  latencyPercentiles?: { p50?: number | null; p99?: number | null };
  statusCodeDistribution?: Record<string, number>;
  errorDistribution?: Record<string, number>;
}

/** Where the real oha comes from. */
export const HOW_TO_GET_OHA = "cargo install oha --locked (the npm package oha is another program)";

/** @throws {Error} that tells how to get it, if it is not installed. */
export function findOha(): string {
  return findProgram("oha", HOW_TO_GET_OHA);
}

/** What is sent with each request. */
interface LoadOptions {
  /** Whether the URL is a regular expression, dots aside: then each request goes to another URL that it matches. */
  isPattern?: boolean;
  body?: string;
  /** A file each line of which is a body, to be sent in random order, in the place of `body`. */
  bodies?: string;
  /** Fields of the header, as in `Prefer: return=minimal`. */
  fields?: readonly string[];
  /** The status that each answer must have; 200 unless told. */
  status?: number;
  /** The body's content type. */
  type?: string;
  /** Each asks again as soon as it is answered; 32 unless told. */
  connections?: number;
}

/**
 * Has oha send `requests` requests. A figure that oha does not give is NaN.
 *
 * @throws {Error} unless each one is answered with the status that it should be.
 */
export async function load(
  url: string,
  method: string,
  requests: number,
  options: LoadOptions = {},
): Promise<Load> {
  const output = await run([findOha(), "-n", String(requests), ...toArguments(options), "-m", method, url]);
  const { summary, latencyPercentiles, statusCodeDistribution, errorDistribution } = JSON.parse(
    output,
  ) as OhaOutput;
  const { status = 200 } = options;
  if (!Bun.deepEquals([statusCodeDistribution, errorDistribution], [{ [status]: requests }, {}])) {
    const seen = JSON.stringify({ ...statusCodeDistribution, ...errorDistribution });
    throw new Error(`${method} ${url} was to be answered ${requests} times with ${status}, and was: ${seen}`);
  }
  return {
    requestsPerSecond: summary?.requestsPerSec ?? Number.NaN,
    p50Ms: (latencyPercentiles?.p50 ?? Number.NaN) * 1000,
    p99Ms: (latencyPercentiles?.p99 ?? Number.NaN) * 1000,
  };
}

function toArguments({ isPattern, body, bodies, fields = [], type, connections }: LoadOptions): string[] {
  const options = ["-c", String(connections ?? CONNECTIONS), "--no-tui", "--output-format", "json"];
  if (isPattern === true) options.push("--rand-regex-url");
  if (body !== undefined) options.push("-d", body);
  if (bodies !== undefined) options.push("-Z", bodies);
  if (type !== undefined) options.push("-T", type);
  for (const field of fields) options.push("-H", field);
  return options;
}

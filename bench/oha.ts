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
  /** The body's content type. */
  type?: string;
  /** Each asks again as soon as it is answered; 32 unless told. */
  connections?: number;
}

/**
 * Has oha send `requests` requests. A figure that oha does not give is NaN.
 *
 * @throws {Error} unless each one is answered with 200.
 */
export async function load(
  url: string,
  method: string,
  requests: number,
  { isPattern = false, body, type, connections = CONNECTIONS }: LoadOptions = {},
): Promise<Load> {
  const options = ["-n", String(requests), "-c", String(connections), "--no-tui", "--output-format", "json"];
  if (isPattern) options.push("--rand-regex-url");
  if (body !== undefined) options.push("-d", body);
  if (type !== undefined) options.push("-T", type);
  const output = await run([findOha(), ...options, "-m", method, url]);
  const { summary, latencyPercentiles, statusCodeDistribution, errorDistribution } = JSON.parse(
    output,
  ) as OhaOutput;
  if (!Bun.deepEquals([statusCodeDistribution, errorDistribution], [{ 200: requests }, {}])) {
    const seen = JSON.stringify({ ...statusCodeDistribution, ...errorDistribution });
    throw new Error(`${method} ${url} was to be answered ${requests} times with 200, and was: ${seen}`);
  }
  return {
    requestsPerSecond: summary?.requestsPerSec ?? Number.NaN,
    p50Ms: (latencyPercentiles?.p50 ?? Number.NaN) * 1000,
    p99Ms: (latencyPercentiles?.p99 ?? Number.NaN) * 1000,
  };
}

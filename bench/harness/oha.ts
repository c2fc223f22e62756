import { run } from "./children.ts";
import { findProgram, versionOf } from "./programs.ts";

const CONNECTIONS = 32;

/** Figures of a load generator. */
export interface Load {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
}

/** The fields of oha's JSON that are read. Any of them may be missing if the format changes. */
interface OhaOutput {
  summary?: { requestsPerSec?: number };
  /** In seconds; null if no request succeeded. */
  latencyPercentiles?: { p50?: number | null; p99?: number | null };
  statusCodeDistribution?: Record<string, number>;
  errorDistribution?: Record<string, number>;
}

const HOW_TO_GET_OHA = "cargo install oha --locked (the npm package oha is another program)";

/** @throws {Error} that tells how to install oha, if it is not installed. */
function findOha(): string {
  return findProgram("oha", HOW_TO_GET_OHA);
}

/** @throws {Error} that tells how to install oha, if it is not installed. */
export function ohaVersion(): string {
  // The npm package oha prints another version line.
  return versionOf([findOha(), "--version"], /^oha (\S+)/, HOW_TO_GET_OHA);
}

/** Requests of a load. */
interface LoadOptions {
  /** Takes the URL for a regular expression, except its dots, and sends each request to another match. */
  isPattern?: boolean;
  body?: string;
  /** Path of a file with one body a line, sent in random order instead of `body`. */
  bodies?: string;
  /** Header fields, such as `Prefer: return=minimal`. */
  fields?: readonly string[];
  /** Status that each answer must have. Default: 200. */
  status?: number;
  /** Content type of the body. */
  type?: string;
  /** Connections, each with one request at a time. Default: 32. */
  connections?: number;
}

/**
 * Sends `requests` requests with oha. A figure that oha does not print is NaN.
 *
 * @throws {Error} if an answer has another status than the expected one.
 */
export async function load(
  url: string,
  method: string,
  requests: number,
  options: LoadOptions = {},
): Promise<Load> {
  const output = await run([findOha(), "-n", String(requests), ...toArguments(options), "-m", method, url]);
  const oha = JSON.parse(output) as OhaOutput;
  const { status = 200 } = options;
  const statuses = [oha.statusCodeDistribution, oha.errorDistribution];
  if (!Bun.deepEquals(statuses, [{ [status]: requests }, {}])) {
    const seen = JSON.stringify(statuses);
    throw new Error(`expected ${requests} answers to ${method} ${url} with ${status}, received ${seen}`);
  }
  return {
    requestsPerSecond: oha.summary?.requestsPerSec ?? Number.NaN,
    p50Ms: (oha.latencyPercentiles?.p50 ?? Number.NaN) * 1000,
    p99Ms: (oha.latencyPercentiles?.p99 ?? Number.NaN) * 1000,
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

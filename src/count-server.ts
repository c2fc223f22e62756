import { settle } from "./config.ts";
import { parseMapping } from "./mapping.ts";

const MAX_TIMEOUT_MS = 2 ** 31 - 1; // the longest that timers of all runtimes can wait

/** A server that did not do what was asked of it, or is not known to have done it. */
export class CountServerError extends Error {
  /** The server's URL. */
  readonly server: string;
  /** The status that it answered, or `undefined` if there was no answer. */
  readonly status: number | undefined;

  constructor(server: string, message: string, options: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.name = "CountServerError";
    this.server = server;
    this.status = options.status;
  }
}

/** How servers are asked. */
export interface AskerOptions {
  timeoutMs?: number;
  token?: string;
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** What is asked for. */
export interface Ask {
  method: string;
  path: string;
  body?: string;
  signal?: AbortSignal | undefined;
}

/** Asks servers, one request at a time, and takes nothing for an answer that is none. */
export class Asker {
  readonly #timeoutMs: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: (url: string, init: RequestInit) => Promise<Response>;

  /** @throws {RangeError} for an option that is out of its range. */
  constructor(options: AskerOptions) {
    const token = settle("token", options.token);
    this.#timeoutMs = checkTimeout(options.timeoutMs ?? 5000);
    this.#headers = { accept: "text/plain", ...(token === "" ? {} : { authorization: `Bearer ${token}` }) };
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
  }

  /** The body of the answer of a server, whose URL ends with a slash. */
  async ask(server: string, { method, path, body: sent, signal }: Ask): Promise<string> {
    const url = server + path;
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const type = sent === undefined ? {} : { "content-type": "text/plain" };
    const init = {
      method,
      headers: { ...this.#headers, ...type },
      ...(sent === undefined ? {} : { body: sent }),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      redirect: "manual", // followed, a POST becomes a GET, whose answer would be taken for a play counted
    } as const;
    let response: Response;
    let body: string;
    try {
      response = await this.#fetch(url, init);
      body = await response.text();
    } catch (cause) {
      signal?.throwIfAborted(); // given up by the caller, who hears its own reason
      const reason = timeout.aborted ? `no answer within ${this.#timeoutMs} ms` : describe(cause);
      throw new CountServerError(server, `${method} ${url} failed: ${reason}`, { cause });
    }
    if (response.ok) return body;
    const reason = `${response.status} ${body
      .split("\n", 2)
      .join(": ")
      .replace(/\p{Cc}/gu, " ")
      .slice(0, 200)}`;
    throw new CountServerError(server, `${method} ${url} failed: ${reason}`, { status: response.status });
  }
}

function checkTimeout(timeoutMs: number): number {
  if (Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs;
  throw new RangeError(`timeoutMs must be a whole number from 1 to ${MAX_TIMEOUT_MS}, not ${timeoutMs}`);
}

/** What went wrong, with the reason that some runtimes give only as the cause of a general "fetch failed". */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error && cause.message !== "" ? `${message}: ${cause.message}` : message;
}

/** Reads the answer to a play, or to the question for one count. */
export function readCount(server: string, answer: string): number {
  const count = /^\d+$/.test(answer) ? Number(answer) : Number.NaN;
  if (Number.isSafeInteger(count)) return count;
  throw new CountServerError(
    server,
    `${server} did not answer a count: ${JSON.stringify(answer.slice(0, 80))}`,
  );
}

/** Reads a listing. */
export function readMapping(server: string, answer: string): Map<string, number> {
  try {
    return parseMapping(answer);
  } catch (cause) {
    throw new CountServerError(server, `${server} did not answer a mapping: ${(cause as Error).message}`, {
      cause,
    });
  }
}

import { settle } from "../config.ts";
import { CountServerError } from "./count-server-error.ts";
import { withRetries } from "./retries.ts";
import { Writers } from "./writers.ts";

const MAX_TIMEOUT_MS = 2 ** 31 - 1; // the longest that timers of all runtimes can wait
const MAX_RETRIES = 20;

/** How servers are asked. */
export interface AskerOptions {
  timeoutMs?: number;
  retries?: number;
  token?: string;
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** What is asked for. */
export interface Ask {
  method: string;
  path: string;
  body?: string;
  /** Says which request this is, so that it is not counted twice. */
  key?: string;
  signal?: AbortSignal | undefined;
}

/** Asks servers, and takes nothing for an answer that is none. */
export class Asker {
  readonly #timeoutMs: number;
  readonly #retries: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly #writers = new Map<string, Writers>();
  readonly #name: string = crypto.randomUUID();

  /** @throws {RangeError} for an option that is out of its range. */
  constructor(options: AskerOptions) {
    const token = settle("token", options.token);
    this.#timeoutMs = checkRange("timeoutMs", options.timeoutMs ?? 5000, 1, MAX_TIMEOUT_MS);
    this.#retries = checkRange("retries", options.retries ?? 3, 0, MAX_RETRIES);
    this.#headers = { accept: "text/plain", ...(token === "" ? {} : { authorization: `Bearer ${token}` }) };
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
  }

  /** The body of the answer of a server, whose URL ends with a slash. Asks once. */
  async askOnce(server: string, { method, path, body: sent, key, signal }: Ask): Promise<string> {
    const url = server + path;
    const timeout = AbortSignal.timeout(this.#timeoutMs);
    const headers = {
      ...this.#headers,
      ...(sent !== undefined && { "content-type": "text/plain" }),
      ...(key !== undefined && { "idempotency-key": key }),
    };
    const init = {
      method,
      headers,
      ...(sent !== undefined && { body: sent }),
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
    throw failure(server, `${method} ${url}`, response, body);
  }

  /** Asks what may be asked twice, and again if the answer is lost or the server fails for a while. */
  async ask(server: string, ask: Ask): Promise<string> {
    return await withRetries(this.#retries, ask.signal, () => this.askOnce(server, ask));
  }

  /** Asks for something that must be done once, again as {@linkcode ask} does: with a key, by which the server knows it. */
  async askKeyed(server: string, ask: Ask): Promise<string> {
    let writers = this.#writers.get(server);
    if (writers === undefined) this.#writers.set(server, (writers = new Writers(this.#name)));
    return await writers.write((key) => this.ask(server, { ...ask, key }), ask.signal);
  }
}

function failure(server: string, asked: string, response: Response, body: string): CountServerError {
  const reason = body
    .split("\n", 2)
    .join(": ")
    .replace(/\p{Cc}/gu, " ")
    .slice(0, 200);
  const { status, headers } = response;
  const seconds = /^\d{1,9}$/.exec(headers.get("retry-after") ?? "")?.[0];
  return new CountServerError(server, `${asked} failed: ${status} ${reason}`, {
    status,
    retryAfter: seconds === undefined ? undefined : Number(seconds),
  });
}

function checkRange(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be a whole number from ${min} to ${max}, not ${value}`);
}

/** What went wrong, with the reason that some runtimes give only as the cause of a general "fetch failed". */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error && cause.message !== "" ? `${message}: ${cause.message}` : message;
}

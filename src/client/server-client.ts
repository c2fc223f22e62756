import { checkSetting } from "../settings/settings.ts";
import { CountServerError } from "./count-server-error.ts";
import { withRetries } from "./retries.ts";
import { KeyPool } from "./key-pool.ts";
import { readProblem } from "./problem.ts";

const MAX_TIMEOUT_MS = 2 ** 31 - 1; // the longest that timers of all runtimes can wait
const MAX_RETRIES = 20;

/** Results are text, which is what readers of answers expect; errors are problems, which programs can read. */
const ACCEPT = "application/problem+json, text/plain;q=0.9";

/** How servers are asked. */
export interface ServerClientOptions {
  timeoutMs?: number;
  retries?: number;
  token?: string;
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** What is asked for. */
export interface ServerRequest {
  method: string;
  path: string;
  body?: string;
  /** Says which request this is, so that it is not counted twice. */
  key?: string;
  /** Whether the answer need not say the new counts (RFC 7240 §4.2). */
  isMinimal?: boolean;
  signal?: AbortSignal | undefined;
}

/** Asks servers, and takes nothing for an answer that is none. */
export class ServerClient {
  readonly #timeoutMs: number;
  readonly #retries: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly #writers = new Map<string, KeyPool>();
  readonly #name: string = crypto.randomUUID();

  /** @throws {RangeError} for an option that is out of its range. */
  constructor(options: ServerClientOptions) {
    const token = checkSetting("token", options.token);
    this.#timeoutMs = checkRange("timeoutMs", options.timeoutMs ?? 5000, 1, MAX_TIMEOUT_MS);
    this.#retries = checkRange("retries", options.retries ?? 3, 0, MAX_RETRIES);
    this.#headers = { accept: ACCEPT, ...(token === "" ? {} : { authorization: `Bearer ${token}` }) };
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
  }

  /** The body of the answer of a server, whose URL ends with a slash. Asks once. */
  async sendOnce(server: string, ask: ServerRequest): Promise<string> {
    return await this.#exchange(server, ask, AbortSignal.timeout(this.#timeoutMs), (response) =>
      response.text(),
    );
  }

  /**
   * Has `take` read an answer, from its beginning each time that it is asked for again. It calls `goOn` when some of the
   * answer has come: the next piece may take as long as a whole answer does otherwise.
   */
  async read<T>(
    server: string,
    ask: ServerRequest,
    take: (response: Response, goOn: () => void) => Promise<T>,
  ): Promise<T> {
    return await withRetries(this.#retries, ask.signal, async () => {
      const silence = new AbortController();
      const wait = () => setTimeout(() => silence.abort(), this.#timeoutMs);
      let timer = wait();
      const goOn = () => {
        clearTimeout(timer);
        timer = wait();
      };
      try {
        return await this.#exchange(server, ask, silence.signal, (response) => take(response, goOn));
      } finally {
        clearTimeout(timer);
      }
    });
  }

  /** Asks once, and has `take` read the answer, until `timeout` is aborted. */
  async #exchange<T>(
    server: string,
    ask: ServerRequest,
    timeout: AbortSignal,
    take: (response: Response) => Promise<T>,
  ): Promise<T> {
    const { method, path, signal } = ask;
    const asked = `${method} ${server}${path}`;
    let response: Response;
    let body: string;
    try {
      response = await this.#fetch(server + path, this.#initFor(ask, timeout));
      if (response.ok) return await take(response);
      body = await response.text();
    } catch (cause) {
      signal?.throwIfAborted(); // given up by the caller, who hears its own reason
      if (cause instanceof CountServerError) throw cause;
      const reason = timeout.aborted ? `no answer within ${this.#timeoutMs} ms` : describeFailure(cause);
      throw new CountServerError(server, `${asked} failed: ${reason}`, { cause });
    }
    throw failure(server, asked, response, body);
  }

  #initFor({ method, body, key, isMinimal, signal }: ServerRequest, timeout: AbortSignal): RequestInit {
    return {
      method,
      headers: {
        ...this.#headers,
        ...(body !== undefined && { "content-type": "text/plain" }),
        ...(key !== undefined && { "idempotency-key": key }),
        ...(isMinimal === true && { prefer: "return=minimal" }),
      },
      ...(body !== undefined && { body }),
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      redirect: "manual", // followed, a POST becomes a GET, whose answer would be taken for a play counted
    };
  }

  /** Asks what may be asked twice, and again if the answer is lost or the server fails for a while. */
  async send(server: string, ask: ServerRequest): Promise<string> {
    return await withRetries(this.#retries, ask.signal, () => this.sendOnce(server, ask));
  }

  /** Asks for something that must be done once, again as {@linkcode ask} does: with a key, by which the server knows it. */
  async sendKeyed(server: string, ask: ServerRequest): Promise<string> {
    let writers = this.#writers.get(server);
    if (writers === undefined) this.#writers.set(server, (writers = new KeyPool(this.#name)));
    return await writers.withKey((key) => this.send(server, { ...ask, key }), ask.signal);
  }
}

function failure(server: string, asked: string, response: Response, body: string): CountServerError {
  const { status, headers } = response;
  const problem = readProblem(response, body);
  const reason = (problem?.text ?? body.split("\n", 2).join(": ")).replace(/\p{Cc}/gu, " ").slice(0, 200);
  const seconds = /^\d{1,9}$/.exec(headers.get("retry-after") ?? "")?.[0];
  return new CountServerError(server, `${asked} failed: ${status} ${reason}`, {
    status,
    type: problem?.type,
    members: problem?.members ?? {},
    retryAfter: seconds === undefined ? undefined : Number(seconds),
  });
}

function checkRange(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be a whole number from ${min} to ${max}, not ${value}`);
}

/** What went wrong, with the reason that some runtimes give only as the cause of a general "fetch failed". */
function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error && cause.message !== "" ? `${message}: ${cause.message}` : message;
}

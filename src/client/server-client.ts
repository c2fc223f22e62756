import type { ServerReply } from "./answers.ts";
import { checkSetting } from "../settings/settings.ts";
import { CountServerError } from "./count-server-error.ts";
import { withRetries } from "./retries.ts";
import { KeyPool } from "./key-pool.ts";
import { readProblem } from "./problem.ts";

const MAX_TIMEOUT_MS = 2 ** 31 - 1; // the longest timer of all runtimes
const MAX_RETRIES = 20;

/** Asks for results as text, which `answers.ts` reads, and for errors as problems, which have a type. */
const ACCEPT = "application/problem+json, text/plain;q=0.9";

/** Options of a {@linkcode ServerClient}, documented at `CountClientOptions`. */
export interface ServerClientOptions {
  timeoutMs?: number;
  retries?: number;
  token?: string;
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
}

/** A request to any of the servers. */
export interface ServerRequest {
  method: string;
  path: string;
  body?: string;
  /** The `Idempotency-Key`. */
  key?: string;
  /** Asks for a reply without the new counts (RFC 7240 §4.2). */
  isMinimal?: boolean;
  signal?: AbortSignal | undefined;
}

/**
 * Sends requests to servers, and rejects with a {@linkcode CountServerError} for any reply but a success. The
 * URL of a server ends with a slash.
 */
export class ServerClient {
  readonly #timeoutMs: number;
  readonly #retries: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly #keyPools = new Map<string, KeyPool>();
  readonly #name: string = crypto.randomUUID();

  /** @throws {RangeError} for an option that is out of its range. */
  constructor(options: ServerClientOptions) {
    const token = checkSetting("token", options.token);
    this.#timeoutMs = checkRange("timeoutMs", options.timeoutMs ?? 5000, 1, MAX_TIMEOUT_MS);
    this.#retries = checkRange("retries", options.retries ?? 3, 0, MAX_RETRIES);
    this.#headers = { accept: ACCEPT, ...(token === "" ? {} : { authorization: `Bearer ${token}` }) };
    this.#fetch = options.fetch ?? ((url, init) => fetch(url, init));
  }

  /** Sends a request that is not idempotent, once, and returns the body of the reply. */
  async sendOnce(server: string, request: ServerRequest): Promise<string> {
    return await this.#exchange(server, request, AbortSignal.timeout(this.#timeoutMs), (response) =>
      response.text(),
    );
  }

  /** Sends an idempotent request, with retries, and returns the body of the reply. */
  async send(server: string, request: ServerRequest): Promise<string> {
    return await withRetries(this.#retries, request.signal, () => this.sendOnce(server, request));
  }

  /** Makes a request idempotent with a key, sends it with retries, and returns the body of the reply. */
  async sendKeyed(server: string, request: ServerRequest): Promise<string> {
    let keys = this.#keyPools.get(server);
    if (keys === undefined) this.#keyPools.set(server, (keys = new KeyPool(this.#name)));
    return await keys.withKey((key) => this.send(server, { ...request, key }), request.signal);
  }

  /**
   * Sends an idempotent request, with retries, and reads the reply with `read`, from its beginning at each
   * attempt.
   *
   * `read` calls `onProgress` when part of the reply has arrived: each part may take the whole timeout.
   */
  async read<T>(
    server: string,
    request: ServerRequest,
    read: (response: Response, onProgress: () => void) => Promise<T>,
  ): Promise<T> {
    return await withRetries(this.#retries, request.signal, async () => {
      const timeout = new AbortController();
      const startTimer = () => setTimeout(() => timeout.abort(), this.#timeoutMs);
      let timer = startTimer();
      const onProgress = () => {
        clearTimeout(timer);
        timer = startTimer();
      };
      try {
        return await this.#exchange(server, request, timeout.signal, (response) =>
          read(response, onProgress),
        );
      } finally {
        clearTimeout(timer);
      }
    });
  }

  /** Sends a request once, and reads its reply with `read`, until `timeout` is aborted. */
  async #exchange<T>(
    server: string,
    request: ServerRequest,
    timeout: AbortSignal,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    const { method, path, signal } = request;
    const asked = `${method} ${server}${path}`;
    let response: Response;
    let body: string;
    try {
      response = await this.#fetch(server + path, this.#initFor(request, timeout));
      if (response.ok) return await read(response);
      body = await response.text();
    } catch (cause) {
      signal?.throwIfAborted(); // the caller cancelled the request, and gets its own reason
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
      redirect: "manual", // a followed POST becomes a GET, whose answer would be taken for a counted play
    };
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
    retryAfterSeconds: seconds === undefined ? undefined : Number(seconds),
  });
}

function checkRange(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`${name} must be a whole number from ${min} to ${max}, not ${value}`);
}

/**
 * Returns the reason of a failed `fetch`. Some runtimes state it only as the cause of a general "fetch
 * failed".
 */
function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error && cause.message !== "" ? `${message}: ${cause.message}` : message;
}

/** Sends a request to a server, and returns the body of its answer. */
export type Send = (server: string, request: ServerRequest) => Promise<string>;

/** Sends requests in parallel, and waits for all of them even if one fails. */
export async function sendEach(
  requests: readonly { server: string; request: ServerRequest }[],
  send: Send,
): Promise<ServerReply[]> {
  const replies = requests.map(async ({ server, request }) => ({
    server,
    answer: await send(server, request),
  }));
  await Promise.allSettled(replies);
  return await Promise.all(replies);
}

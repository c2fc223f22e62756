import { abortable, onAbort } from "../async/timing.ts";
import { checkSetting } from "../settings/settings.ts";
import { type Arrival, piecesOf, type Read, textOf } from "./answers.ts";
import { checkNumber, checkType } from "./arguments.ts";
import { CountServerError, type Failure } from "./count-server-error.ts";
import { ADVICE, describeFailure, failureOf, isNotSent } from "./failures.ts";
import type { CountClientOptions } from "./options.ts";
import { withRetries } from "./retries.ts";

const MAX_TIMEOUT_MS = 2 ** 31 - 1; // the longest timer of all runtimes
const MAX_RETRIES = 20;

/** Asks for results as text, which `answers.ts` reads, and for errors as problems, which have a type. */
const ACCEPT = "application/problem+json, text/plain;q=0.9";

/** A request to any of the servers. */
export interface ServerRequest {
  method: string;
  path: string;
  body?: string;
  /** The `Idempotency-Key`. */
  key?: string;
  /** Asks for a reply without the new counts (RFC 7240 §4.2). */
  isMinimal?: boolean;
  /** The `Fold-Label`. */
  label?: string;
  /** The `Accept`. Default: results as text, and errors as problems. */
  accept?: string;
  signal?: AbortSignal | undefined;
}

/**
 * Sends requests to servers, and returns what a {@linkcode Read} makes of the answer. The URL of a server
 * ends with a slash.
 */
export class ServerClient {
  readonly #timeoutMs: number;
  readonly #retries: number;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #fetch: (url: string, init: RequestInit) => Promise<Response>;

  /**
   * @throws {TypeError} for options or a `fetch` of another type.
   * @throws {RangeError} for an option that is out of its range.
   */
  constructor(options: CountClientOptions) {
    checkType("The options", options, "object");
    checkType("fetch", options.fetch ?? fetch, "function");
    const token = checkSetting("token", options.token);
    this.#timeoutMs = checkNumber("timeoutMs", options.timeoutMs ?? 5000, 1, MAX_TIMEOUT_MS);
    this.#retries = checkNumber("retries", options.retries ?? 3, 0, MAX_RETRIES);
    this.#headers = { accept: ACCEPT, ...(token === "" ? {} : { authorization: `Bearer ${token}` }) };
    this.#fetch = async (url, init) => await (options.fetch ?? fetch)(url, init);
  }

  /**
   * Sends a request once: it need not be idempotent.
   *
   * @throws {CountServerError} for any answer but a success, and for none. Other errors are those of `read`.
   */
  async sendOnce<T>(server: string, request: ServerRequest, read: Read<T>): Promise<T> {
    const { method, path, signal } = request;
    const shown = path.length > 100 ? `${path.slice(0, 100)}…` : path;
    const failed = (reason: string, options: ErrorOptions & Failure) =>
      new CountServerError(server, `${method} ${server}${shown} failed: ${reason}`, options);
    signal?.throwIfAborted();
    const abortion = new AbortController(); // AbortSignal.any is missing in browsers of 2023
    const abort = () => abortion.abort();
    const dispose = signal && onAbort(signal, abort);
    const arriving: Arrival = async (part, advice = "") => {
      const timer = setTimeout(abort, this.#timeoutMs);
      try {
        return await abortable(part, abortion.signal);
      } catch (cause) {
        signal?.throwIfAborted(); // the caller cancelled the request, and gets its own reason
        const isLate = abortion.signal.aborted;
        const reason = isLate ? `no answer within ${this.#timeoutMs} ms` : describeFailure(cause);
        throw failed(reason + advice, { cause, mayBeDone: !isNotSent(cause) });
      } finally {
        clearTimeout(timer);
      }
    };
    try {
      const fetched = this.#fetch(server + path, { ...this.#initFor(request), signal: abortion.signal });
      const response = await arriving(fetched, ADVICE);
      const text = () => arriving(textOf(response));
      if (response.ok) return await read({ server, response, pieces: piecesOf(response, arriving), text });
      throw failed(...failureOf(response, await text()));
    } catch (error) {
      if (error instanceof CountServerError && method === "GET") error.mayBeDone = false;
      throw error;
    } finally {
      dispose?.();
      abort(); // an answer that was not read to its end is dropped
    }
  }

  /** Sends an idempotent request, with retries. Each attempt reads its answer from the beginning. */
  async send<T>(server: string, request: ServerRequest, read: Read<T>): Promise<T> {
    return await withRetries(this.#retries, request.signal, () => this.sendOnce(server, request, read));
  }

  #initFor({ method, body, key, isMinimal, label, accept }: ServerRequest): RequestInit {
    return {
      method,
      headers: {
        ...this.#headers,
        ...(body !== undefined && { "content-type": "text/plain" }),
        ...(key !== undefined && { "idempotency-key": key }),
        ...(isMinimal === true && { prefer: "return=minimal" }),
        ...(label !== undefined && { "fold-label": label }),
        ...(accept !== undefined && { accept }),
      },
      ...(body !== undefined && { body }),
      redirect: "manual", // a followed POST becomes a GET, whose answer would be taken for a counted play
    };
  }
}

/** Waits for all calls, even if one of them fails. */
export async function allEnded<T>(calls: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(calls);
  return await Promise.all(calls);
}

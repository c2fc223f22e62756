import { abortable, onAbort } from "../async/timing.ts";
import type { Read } from "./answers.ts";
import { CountServerError } from "./count-server-error.ts";
import { readProblem } from "./problem.ts";

/** The operator's next step if no play counter has answered. */
const ADVICE = "; check the address, and HTTP_PROXY if it is set";

/**
 * Codes of a `fetch` that had no connection, on Bun and Node. The sentences of Deno prove nothing: it sends a
 * request again when its connection breaks, and reports only that it cannot connect any longer.
 */
const NOT_SENT = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"];

/** Longest text that is read of a body that is not a mapping. */
const MAX_TEXT = 64 * 1024;

/** One attempt to send a request. */
export interface Attempt {
  server: string;
  path: string;
  init: RequestInit & { method: string };
  /** Time that the server may send nothing. */
  timeoutMs: number;
  /** Aborted by the caller. */
  signal: AbortSignal | undefined;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
}

/**
 * Sends a request once, and returns what `read` makes of the answer.
 *
 * @throws {CountServerError} for any answer but a success, and for none. Other errors are those of `read`.
 */
export async function exchange<T>(attempt: Attempt, read: Read<T>): Promise<T> {
  const { server, path, init, signal } = attempt;
  signal?.throwIfAborted();
  const abortion = new AbortController(); // AbortSignal.any is missing in browsers of 2023
  const abort = () => abortion.abort();
  const dispose = signal && onAbort(signal, abort);
  const arriving = arrival(attempt, abortion);
  try {
    const fetched = attempt.fetch(server + path, { ...init, signal: abortion.signal });
    const response = await arriving(fetched, ADVICE);
    const text = () => arriving(textOf(response));
    if (response.ok) return await read({ server, response, pieces: piecesOf(response, arriving), text });
    throw failure(attempt, response, await text());
  } catch (error) {
    const isRead = init.method === "GET" || init.method === "HEAD";
    if (error instanceof CountServerError && isRead) error.mayBeDone = false;
    throw error;
  } finally {
    dispose?.();
    abort(); // an answer that was not read to its end is dropped
  }
}

/** Waits for the next part of an answer, and maps a failure to a {@linkcode CountServerError}. */
type Arrival = <T>(part: Promise<T>, advice?: string) => Promise<T>;

function arrival({ server, path, init, timeoutMs, signal }: Attempt, abortion: AbortController): Arrival {
  return async (part, advice = "") => {
    const timer = setTimeout(() => abortion.abort(), timeoutMs);
    try {
      return await abortable(part, abortion.signal);
    } catch (cause) {
      signal?.throwIfAborted(); // the caller cancelled the request, and gets its own reason
      const reason = abortion.signal.aborted ? `no answer within ${timeoutMs} ms` : describeFailure(cause);
      const message = `${init.method} ${server}${path} failed: ${reason}${advice}`;
      throw new CountServerError(server, message, { cause, mayBeDone: !isNotSent(cause) });
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Returns the text of an answer in pieces, as they arrive. */
async function* piecesOf({ body }: Response, arriving: Arrival): AsyncGenerator<string> {
  if (body === null) return;
  const reader = body.getReader(); // not every browser can iterate a stream
  const decoder = new TextDecoder();
  for (;;) {
    const { value, done } = await arriving(reader.read());
    yield decoder.decode(value, { stream: !done });
    if (done) return;
  }
}

/** Returns the beginning of a text. */
async function textOf(response: Response): Promise<string> {
  let text = "";
  for await (const piece of piecesOf(response, (part) => part)) {
    text += piece;
    if (text.length > MAX_TEXT) break;
  }
  return text;
}

function failure({ server, path, init }: Attempt, response: Response, body: string): CountServerError {
  const { status, headers } = response;
  const problem = readProblem(response, body);
  const text = problem?.text ?? `${body.split("\n", 2).join(": ").slice(0, 200)}${ADVICE}`;
  const reason = text.replace(/\p{Cc}/gu, " ").slice(0, 300);
  const seconds = /^\d{1,9}$/.exec(headers.get("retry-after") ?? "")?.[0];
  return new CountServerError(server, `${init.method} ${server}${path} failed: ${status} ${reason}`, {
    status,
    type: problem?.type,
    members: problem?.members ?? {},
    retryAfterSeconds: seconds === undefined ? undefined : Number(seconds),
    mayBeDone: !isRefusal(status, problem !== undefined),
  });
}

/**
 * Returns true if an answer says that nothing was done. Without a problem it may be from a proxy or from the
 * runtime of the server, which has perhaps counted: Bun answers a malformed body with 400 after its handler.
 */
function isRefusal(status: number, isProblem: boolean): boolean {
  if (status >= 400 && status < 500) return ![408, 499].includes(status) && (isProblem || status !== 400);
  return isProblem && [501, 503, 507].includes(status);
}

function isNotSent(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } };
  return [code, cause?.code].some((one) => NOT_SENT.includes(String(one)));
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

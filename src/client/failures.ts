import type { Failure } from "./count-server-error.ts";

/** The reference of a type of any play counter, whatever its base path. */
const TYPE = /\/openapi\.json#\/components\/schemas\/([A-Za-z]+)$/;

/** The operator's next step if no play counter has answered. */
export const ADVICE = "; check the address, and HTTP_PROXY if it is set";

/**
 * Codes of a `fetch` that had no connection, on Bun and Node. The sentences of Deno prove nothing: it sends a
 * request again when its connection breaks, and reports only that it cannot connect any longer.
 */
const NOT_SENT = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN"];

/** Returns the reason and the parts of the error of a failed answer. */
export function failureOf(response: Response, body: string): [reason: string, failure: Failure] {
  const { status, headers } = response;
  const problem = readProblem(response, body);
  const text = problem?.text ?? `${body.split("\n", 2).join(": ").slice(0, 200)}${ADVICE}`;
  const reason = text.replace(/\p{Cc}/gu, " ").slice(0, 300);
  const seconds = /^\d{1,9}$/.exec(headers.get("retry-after") ?? "")?.[0];
  const failure = {
    status,
    type: problem?.type,
    members: problem?.members ?? {},
    retryAfterSeconds: seconds === undefined ? undefined : Number(seconds),
    mayBeDone: !isRefusal(status, problem !== undefined),
  };
  return [`${status} ${reason}`, failure];
}

/**
 * Returns true if an answer says that nothing was done. Without a problem it may be from a proxy or from the
 * runtime of the server, which has perhaps counted: Bun answers a malformed body with 400 after its handler.
 */
function isRefusal(status: number, isProblem: boolean): boolean {
  if (status >= 400 && status < 500) return ![408, 499].includes(status) && (isProblem || status !== 400);
  return isProblem && [501, 503, 507].includes(status);
}

/** Reads a problem (RFC 9457), with its text for people; `undefined` for any other body. */
function readProblem(response: Response, body: string) {
  if (!/^application\/problem\+json\b/i.test(response.headers.get("content-type") ?? "")) return undefined;
  const fields = parseObject(body);
  if (fields === undefined) return undefined;
  const { type, title, status: _status, detail, ...others } = fields;
  const sentences = [title, detail].filter((part) => typeof part === "string" && part !== "");
  const name = typeof type === "string" ? TYPE.exec(type)?.[1] : undefined;
  const numbers = Object.entries(others).filter(([, value]) => Number.isSafeInteger(value));
  const members = Object.fromEntries(name === undefined ? [] : numbers) as Record<string, number>;
  return { type: name, text: sentences.join(": "), members };
}

function parseObject(source: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(source);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Returns true if the error of a `fetch` says that no request was sent. */
export function isNotSent(error: unknown): boolean {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } };
  return [code, cause?.code].some((one) => NOT_SENT.includes(String(one)));
}

/**
 * Returns the reason of a failed `fetch`. Some runtimes state it only as the cause of a general "fetch
 * failed".
 */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error && cause.message !== "" ? `${message}: ${cause.message}` : message;
}

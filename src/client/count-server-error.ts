/** The parts of an error answer that a program can use. Default of `mayBeDone`: true. */
export type Failure = Partial<
  Pick<CountServerError, "status" | "type" | "members" | "retryAfterSeconds" | "mayBeDone">
>;

/**
 * The error of a request that a server refused, did not answer, or answered in an unexpected format.
 *
 * @example
 * ```ts
 * import { CountServerError } from "playcount/client";
 *
 * const error = new CountServerError("http://localhost:8000/", "the count would be too high", {
 *   status: 409,
 *   type: "CountOverflow",
 *   members: { count: 9007199254740991, plays: 1 },
 * });
 * error.type; // "CountOverflow"
 * error.members["count"]; // 9007199254740991
 * ```
 */
export class CountServerError extends Error {
  /** The server's URL. */
  readonly server: string;
  /** HTTP status code of the answer; `undefined` if no answer arrived. */
  readonly status: number | undefined;
  /**
   * Name of the problem's type (RFC 9457 §3.1.1), as listed in docs/problems.md, such as `CountOverflow`.
   * `undefined` if the answer has only a status, or is not from a play counter.
   */
  readonly type: string | undefined;
  /** Numbers of the problem, by the names that docs/problems.md lists for its type; empty without a type. */
  readonly members: Readonly<Record<string, number>>;
  /** Seconds to wait before a retry (`Retry-After`, RFC 9110 §10.2.3); `undefined` without that header. */
  readonly retryAfterSeconds: number | undefined;
  /**
   * True if the server may have carried out the request, in any attempt. False for a request that only reads,
   * for one that was not sent because its connection was refused, and for one that a server refused. Not
   * every runtime tells a refused connection from one that broke later.
   */
  mayBeDone: boolean;

  /** Makes an error about `server`, without a user and a password in its URL. */
  constructor(server: string, message: string, options: ErrorOptions & Failure = {}) {
    super(message, options);
    this.name = "CountServerError";
    this.server = server;
    this.status = options.status;
    this.type = options.type;
    this.members = options.members ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.mayBeDone = options.mayBeDone ?? true;
  }
}

/** Returns the name of the problem's type, if `error` is that of a server and has one. */
export function problemTypeOf(error: unknown): string | undefined {
  return error instanceof CountServerError ? error.type : undefined;
}

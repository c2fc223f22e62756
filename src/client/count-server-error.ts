/** Statuses after which a request may be done or not: of a server that failed meanwhile, or of a proxy. */
const UNKNOWN = [500, 502, 504];

/** The parts of a failed answer that a program can use. */
export interface Failure {
  /** Status code of the answer. */
  status?: number;
  /** Name of the problem's type, as listed in docs/problems.md: `StaleKey`, say. */
  type?: string | undefined;
  /** Numbers of the problem, by the names that docs/problems.md lists for its type. */
  members?: Readonly<Record<string, unknown>>;
  /** Seconds that the server asks clients to wait. */
  retryAfterSeconds?: number | undefined;
}

/**
 * The error of a request that a server refused, did not answer, or answered with something else than a reply.
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
  /** Status code of the answer; `undefined` if there was no answer. */
  readonly status: number | undefined;
  /**
   * Name of the problem's type (RFC 9457), as listed in docs/problems.md: `CountOverflow`, say. `undefined`
   * if the status says it all, or if no play counter answered.
   */
  readonly type: string | undefined;
  /** Numbers of the problem, by the names that docs/problems.md lists for its type; empty without a type. */
  readonly members: Readonly<Record<string, unknown>>;
  /** Seconds that the server asked clients to wait; `undefined` if it did not say. */
  readonly retryAfterSeconds: number | undefined;
  /**
   * True if the request may have been done nevertheless: the server did not answer, or its answer leaves it open, in
   * the last attempt or an earlier one.
   */
  mayBeDone: boolean;

  constructor(server: string, message: string, options: ErrorOptions & Failure = {}) {
    super(message, options);
    this.name = "CountServerError";
    this.server = server;
    this.status = options.status;
    this.type = options.type;
    this.members = options.members ?? {};
    this.retryAfterSeconds = options.retryAfterSeconds;
    this.mayBeDone = this.status === undefined || UNKNOWN.includes(this.status);
  }
}

/** Statuses of what may be done or not: by a server that failed in the midst of it, or something in between. */
const UNKNOWN = [500, 502, 504];

/** A server that did not do what was asked of it, or is not known to have done it. */
export class CountServerError extends Error {
  /** The server's URL. */
  readonly server: string;
  /** The status that it answered, or `undefined` if there was no answer. */
  readonly status: number | undefined;
  /** How many seconds it asked to be left alone; `undefined` if it did not say. */
  readonly retryAfter: number | undefined;
  /**
   * Whether it may have been done all the same: there was no answer, or one that does not tell; or there was none when
   * it was asked for the first time.
   */
  mayBeDone: boolean;

  constructor(
    server: string,
    message: string,
    options: ErrorOptions & { status?: number; retryAfter?: number | undefined } = {},
  ) {
    super(message, options);
    this.name = "CountServerError";
    this.server = server;
    this.status = options.status;
    this.retryAfter = options.retryAfter;
    this.mayBeDone = this.status === undefined || UNKNOWN.includes(this.status);
  }
}

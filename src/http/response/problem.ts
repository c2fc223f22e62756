/** The reason phrases of the statuses that playcount answers with (RFC 9110 §15). */
const PHRASES = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  409: "Conflict",
  410: "Gone",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  500: "Internal Server Error",
  503: "Service Unavailable",
  507: "Insufficient Storage",
} as const;

/** All statuses that playcount answers with. */
export const STATUSES: readonly number[] = [200, 201, 204, 304, ...Object.keys(PHRASES).map(Number)];

/** A status that has a reason phrase here. */
export type ProblemStatus = keyof typeof PHRASES;

/** The reason phrase of a status. */
export function phraseOf(status: ProblemStatus): string {
  return PHRASES[status];
}

/** Why a request is refused, in words for the client; nothing was counted for it. */
export class Problem extends Error {
  readonly status: ProblemStatus;
  readonly headers: Readonly<Record<string, string>>;

  /** `detail` is shown to the client; empty when the status says it all. */
  constructor(status: ProblemStatus, detail = "", headers: Readonly<Record<string, string>> = {}) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.headers = headers;
  }

  /** The reason phrase of the status. */
  get title(): string {
    return phraseOf(this.status);
  }

  /** `text/plain`: the reason phrase, and on a second line the detail if there is one. */
  toText(): string {
    return this.message === "" ? this.title : `${this.title}\n${this.message}`;
  }

  /** `application/problem+json` (RFC 9457); the type is `about:blank`, so the title is the reason phrase. */
  toJson(): string {
    const detail = this.message === "" ? undefined : this.message;
    return JSON.stringify({ type: "about:blank", title: this.title, status: this.status, detail });
  }
}

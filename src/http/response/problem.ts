import {
  PHRASES,
  PROBLEM_TYPES,
  type ProblemStatus,
  type ProblemTypeName,
  typeReference,
} from "./problem-types.ts";

type HeaderFields = Readonly<Record<string, string>>;
type Members = Readonly<Record<string, number>>;

/** The reason why a request failed. Nothing was counted for it, unless its status is 500. */
export class Problem extends Error {
  readonly status: ProblemStatus;
  readonly headers: HeaderFields;
  /** `undefined` for a problem whose status says it all. */
  readonly type: ProblemTypeName | undefined;
  readonly members: Members;

  /** `detail` is a sentence for the client; empty when the status says it all. */
  constructor(
    status: ProblemStatus,
    detail = "",
    headers: HeaderFields = {},
    type?: ProblemTypeName,
    members: Members = {},
  ) {
    super(detail);
    this.name = "Problem";
    this.status = status;
    this.headers = headers;
    this.type = type;
    this.members = members;
  }

  /** Makes a problem of a type, with the type's status and headers. */
  static of(type: ProblemTypeName, detail: string, members: Members = {}): Problem {
    const { status, headers } = PROBLEM_TYPES[type];
    return new Problem(status, detail, headers, type, members);
  }

  /** Returns the URI reference of the type on a server with this base path; `undefined` without a type. */
  typeReference(basePath: string): string | undefined {
    return this.type === undefined ? undefined : typeReference(basePath, this.type);
  }

  /** Returns `text/plain`: the reason phrase, and the detail, if any, on a second line. */
  toText(): string {
    const phrase = PHRASES[this.status];
    return this.message === "" ? phrase : `${phrase}\n${this.message}`;
  }

  /**
   * Returns `application/problem+json` (RFC 9457). Without a type, the title is the reason phrase (§4.2.1).
   */
  toJson(basePath: string): string {
    const { status, type, message, members } = this;
    return JSON.stringify({
      type: this.typeReference(basePath) ?? "about:blank",
      title: type === undefined ? PHRASES[status] : PROBLEM_TYPES[type].title,
      status,
      detail: message === "" ? undefined : message,
      ...members,
    });
  }
}

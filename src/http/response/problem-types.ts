/** The reason phrases of the statuses that refuse a request (RFC 9110 §15). */
export const PHRASES = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  406: "Not Acceptable",
  408: "Request Timeout",
  409: "Conflict",
  410: "Gone",
  412: "Precondition Failed",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  422: "Unprocessable Content",
  500: "Internal Server Error",
  501: "Not Implemented",
  503: "Service Unavailable",
  507: "Insufficient Storage",
} as const;

/** All statuses that playcount answers with. */
export const STATUSES: readonly number[] = [200, 201, 204, 304, ...Object.keys(PHRASES).map(Number)];

/** A status that refuses a request. */
export type ProblemStatus = keyof typeof PHRASES;

/** A problem type (RFC 9457 §3.1.1): what a program can tell apart without reading a sentence. */
export interface ProblemType {
  status: ProblemStatus;
  /** Meaning, the same for all problems of the type. */
  title: string;
  /** Meanings of the members that problems of this type have in JSON: whole numbers, by name. */
  members: Readonly<Record<string, string>>;
  /** Members that only some problems of this type have. */
  optional?: readonly string[];
  /** Headers of every answer of this type. */
  headers?: Readonly<Record<string, string>>;
}

/** The name of a problem type, which is also that of its schema in the OpenAPI document. */
export type ProblemTypeName = keyof typeof TYPES;

const TYPES = {
  CountOverflow: {
    status: 409,
    title: "The count would exceed 2^53 - 1",
    members: {
      count: "the song's count; missing if the request itself exceeds the limit",
      plays: "the plays to add; missing if the request itself exceeds the limit",
      kept: "the song's plays in the acknowledged fold that is kept; missing without any",
    },
    optional: ["count", "plays", "kept"],
  },
  StoreFull: {
    status: 507,
    title: "No room for a new song",
    members: { maxSongs: "maximum number of songs; missing if the memory is used up" },
    optional: ["maxSongs"],
  },
  IdTooLong: {
    status: 414,
    title: "The id is too long",
    members: { maxIdBytes: "longest id, in bytes of UTF-8" },
  },
  BodyTooLarge: {
    status: 413,
    title: "The body is too large",
    members: { maxBodyBytes: "largest body for this request, in bytes" },
  },
  BatchTooLarge: {
    status: 413,
    title: "The batch has too many songs",
    members: { maxBatchSongs: "songs that a batch may have" },
  },
  UnknownFold: {
    status: 404,
    title: "The fold was never sealed",
    members: { fold: "number of the fold" },
  },
  FoldOutOfOrder: {
    status: 409,
    title: "The fold is out of order",
    members: {
      fold: "number of the fold",
      newestFold: "PUT: the newest sealed fold, which a new one has to exceed",
      oldestFold: "DELETE: the oldest unacknowledged fold, which comes first",
    },
    optional: ["newestFold", "oldestFold"],
  },
  TooManyFolds: {
    status: 409,
    title: "No room for another fold",
    members: { maxFolds: "folds that may be unacknowledged; missing while acknowledged folds are removed" },
    optional: ["maxFolds"],
  },
  OtherLabel: {
    status: 409,
    title: "The fold has another label",
    members: { fold: "number of the fold" },
  },
  FoldDropped: {
    status: 410,
    title: "The fold was acknowledged and dropped",
    members: { newestDropped: "number of the newest dropped fold" },
  },
  StaleKey: {
    status: 409,
    title: "The writer has already sent a newer request",
    members: {
      seq: "number of this request, as in its Idempotency-Key",
      newestSeq: "number of the writer's newest request",
    },
  },
  KeyReused: {
    status: 422,
    title: "The Idempotency-Key belongs to a different request",
    members: { seq: "number of this request, as in its Idempotency-Key" },
  },
  Unavailable: {
    status: 503,
    title: "The counts cannot be read or written for now; nothing was done",
    members: { maxPendingBytes: "bytes of batches under way; missing unless they caused it" },
    optional: ["maxPendingBytes"],
    headers: { "retry-after": "1" }, // seconds
  },
  Unsupported: {
    status: 501,
    title: "The store of this server cannot do this; nothing was done",
    members: {},
  },
  UnknownOutcome: {
    status: 500,
    title: "The request may have been counted or not",
    members: {},
  },
} as const;

/** All problem types. A problem without a type is `about:blank`: its status says it all. */
export const PROBLEM_TYPES: Readonly<Record<ProblemTypeName, ProblemType>> = TYPES;

/** The path of the OpenAPI document, below the base path. */
export const DOCUMENT_PATH = "/openapi.json";

/**
 * Returns the URI reference of a problem type: its schema in the OpenAPI document of a server with this base
 * path.
 */
export function typeReference(basePath: string, type: ProblemTypeName): string {
  return `${basePath}${DOCUMENT_PATH}#/components/schemas/${type}`;
}

import type { ProblemTypeName } from "./response/problem-types.ts";

/** Content of a successful answer. */
export type Shape =
  "count" | "counts" | "list" | "plays" | "folds" | "done" | "document" | "metrics" | "script" | "minimal";

/** Header field of a request that changes what an operation does. */
export type RequestHeader = "Fold-Label" | "Idempotency-Key" | "If-Match" | "If-None-Match" | "Prefer";

/** Documentation of an operation, besides what follows from its path, its method and its scope. */
export interface Description {
  /** Name of the function in generated clients. It never changes. */
  name: string;
  summary: string;
  /** Header fields to document. An `Idempotency-Key` makes a `POST` idempotent. */
  headers?: readonly RequestHeader[];
  /** Content of the request; `ignored` is read to its end. */
  body?: "number" | "mapping" | "label" | "ignored";
  /** Contents of successful answers, by status. */
  answers: Readonly<Partial<Record<200 | 201 | 204, Shape>>>;
  /** Problem types besides those that follow from scope, body and headers. */
  problems?: readonly ProblemTypeName[];
}

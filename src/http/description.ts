import type { ProblemTypeName } from "./response/problem-types.ts";

/** Content of a successful answer. */
export type Shape = "count" | "mapping" | "list" | "folds" | "done" | "document" | "metrics" | "nothing";

/** Documentation of an operation, besides what follows from its path, its method and its scope. */
export interface Description {
  summary: string;
  /** Query parameters. */
  query?: readonly ("top" | "after")[];
  /** Content of the request. */
  body?: "a number" | "a mapping" | "anything";
  /** Set if the operation accepts an `Idempotency-Key`, which makes it idempotent. */
  takesKey?: true;
  /** Set if the answer has one representation, whatever the client accepts. */
  isOneType?: true;
  /** Contents of successful answers, by status. */
  answers: Readonly<Partial<Record<200 | 201 | 204, Shape>>>;
  /** Problem types besides those that follow from scope, body and key. */
  problems?: readonly ProblemTypeName[];
}

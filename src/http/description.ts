import type { QueryParameter } from "./request/query.ts";
import type { ProblemTypeName } from "./response/problem-types.ts";

/** Content of a successful answer. */
export type Shape = "count" | "mapping" | "list" | "folds" | "done" | "document" | "metrics" | "nothing";

/** Documentation of an operation, besides what follows from its path, its method and its scope. */
export interface Description {
  summary: string;
  /** Query parameters, each at most once. Any other parameter is refused. */
  query?: readonly QueryParameter[];
  /** Content of the request. */
  body?: "a number" | "a mapping" | "a label" | "anything";
  /** Set if the operation accepts a `Fold-Label`. */
  takesLabel?: true;
  /** Set if the operation accepts an `Idempotency-Key`, which makes it idempotent. */
  takesKey?: true;
  /** Set if a client is answered that accepts none of the representations. */
  takesAnyAccept?: true;
  /** Contents of successful answers, by status. */
  answers: Readonly<Partial<Record<200 | 201 | 204, Shape>>>;
  /** Problem types besides those that follow from scope, body and key. */
  problems?: readonly ProblemTypeName[];
}

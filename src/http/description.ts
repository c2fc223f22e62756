import type { ProblemTypeName } from "./response/problem-types.ts";

/** What an answer holds that is no problem. */
export type Shape = "count" | "mapping" | "list" | "folds" | "done" | "document" | "metrics" | "nothing";

/** What a client needs to know of an operation, beyond what follows from its path, its method and its scope. */
export interface Description {
  summary: string;
  /** What may stand in the query. */
  query?: readonly ("top" | "after")[];
  /** What may be sent. */
  body?: "a number" | "a mapping" | "anything";
  /** Whether it looks at `If-Match` and `If-None-Match`. */
  isConditional?: true;
  /** Whether it can be sent again with an `Idempotency-Key`. */
  takesKey?: true;
  /** Whether there is one representation, whatever the client accepts. */
  isOneType?: true;
  /** What is answered if all goes well, by status. */
  answers: Readonly<Partial<Record<200 | 201 | 204 | 304, Shape>>>;
  /** Problem types that it may be refused with, beyond those that follow from its scope, its body and its key. */
  refusals?: readonly ProblemTypeName[];
}

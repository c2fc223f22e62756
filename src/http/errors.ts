import type { Awaitable } from "../async/awaitable.ts";
import type { Exchange, Service } from "./exchange.ts";
import { preferredProblemFormat } from "./request/accept.ts";
import { Problem } from "./response/problem.ts";
import type { ProblemTypeName } from "./response/problem-types.ts";
import { replyProblem } from "./response/reply.ts";
import { Refusal, UnknownOutcome, type RefusalReason } from "../store/refusal.ts";

/** Settings that answers to failed requests depend on. */
export type ErrorSettings = Pick<Service, "basePath" | "defaultFormat">;

/** Calls `answer`, and answers an error that it throws or rejects with as a problem. */
export function answerAlways(
  exchange: Exchange,
  service: ErrorSettings,
  answer: (exchange: Exchange) => Awaitable<Response>,
): Awaitable<Response> {
  try {
    const response = answer(exchange);
    return response instanceof Promise
      ? response.catch((error) => answerError(exchange.request, error, service))
      : response;
  } catch (error) {
    return answerError(exchange.request, error, service);
  }
}

/** Answers a request that failed, because of its client or because of this server. */
export function answerError(
  request: Pick<Request, "method" | "headers">,
  error: unknown,
  { basePath, defaultFormat }: ErrorSettings = { basePath: "", defaultFormat: "text" },
): Response {
  const format = preferredProblemFormat(request.headers.get("accept"), defaultFormat);
  return replyProblem({ method: request.method, format }, toProblem(error), basePath);
}

const TYPE_OF_REFUSAL: Record<RefusalReason, ProblemTypeName> = {
  overflow: "CountOverflow",
  full: "StoreFull",
  "too long": "IdTooLong",
  "unknown fold": "UnknownFold",
  "out of order": "FoldOutOfOrder",
  "too many folds": "TooManyFolds",
  "other label": "OtherLabel",
  gone: "FoldDropped",
  "stale key": "StaleKey",
  "key reused": "KeyReused",
  unavailable: "Unavailable",
  unsupported: "Unsupported",
};

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Refusal) {
    const { reason, message, members } = error;
    return Problem.of(TYPE_OF_REFUSAL[reason], message, members);
  }
  if (error instanceof UnknownOutcome) return Problem.of("UnknownOutcome", error.message);
  console.error(error); // for the operator; the client learns no internals
  return new Problem(500);
}

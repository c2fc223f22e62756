import type { Awaitable } from "../async.ts";
import { PROBLEM, preferredFormat } from "./request/accept.ts";
import { Problem, type ProblemStatus } from "./response/problem.ts";
import { replyProblem } from "./response/reply.ts";
import { Refusal, UnknownOutcome, type RefusalReason } from "../store/refusal.ts";

/** Has `answer` answer a request, or answers what it throws or rejects with. */
export function answerAlways(
  request: Request,
  answer: (request: Request) => Awaitable<Response>,
): Awaitable<Response> {
  try {
    const response = answer(request);
    return response instanceof Promise ? response.catch((error) => answerError(request, error)) : response;
  } catch (error) {
    return answerError(request, error);
  }
}

/** Answers a request that something went wrong with: its client's doing, or ours. */
export function answerError(request: Pick<Request, "method" | "headers">, error: unknown): Response {
  const format = preferredFormat(request.headers.get("accept"), PROBLEM) ?? "text";
  return replyProblem({ method: request.method, format }, toProblem(error));
}

const STATUS_OF_REFUSAL: Record<RefusalReason, ProblemStatus> = {
  overflow: 409,
  "too long": 414,
  full: 507,
  "unknown fold": 404,
  "out of order": 409,
  "too many folds": 409,
  gone: 410,
  "stale key": 409,
  "key reused": 422,
  unavailable: 503,
};

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Refusal) {
    const headers: Record<string, string> = error.reason === "unavailable" ? { "retry-after": "1" } : {};
    return new Problem(STATUS_OF_REFUSAL[error.reason], error.message, headers);
  }
  if (error instanceof UnknownOutcome) return new Problem(500, error.message);
  console.error(error); // for the operator; the client hears nothing of the inside
  return new Problem(500);
}

import type { Awaitable } from "./awaitable.ts";
import { settle } from "./config.ts";
import type { Action, Service } from "./exchange.ts";
import { PROBLEM, preferredFormat } from "./negotiate.ts";
import { Problem, type ProblemStatus } from "./problem.ts";
import { FoldHeaders, replyProblem } from "./reply.ts";
import { createRouter } from "./router.ts";
import { type Route, routeTable } from "./routes.ts";
import { type CountStore, Refusal, type RefusalReason } from "./store/count-store.ts";
import { checkHost, parseTarget } from "./target.ts";

/** What can be set about a handler. */
export interface HandlerOptions {
  /** What is counted, as the path says it: one segment of `A-Z a-z 0-9 _ . ~ -`, `song` unless told. */
  resource?: string;
  /** Path in front of every other: begins with a slash and ends without one, as in `/plays`; none unless told. */
  basePath?: string;
  /** Longest request body, in bytes: 1 to 2^30, 16 MiB unless told. */
  maxBodyBytes?: number;
  /** Abort it when the server begins to stop: from then on `/health` is 503. */
  signal?: AbortSignal;
}

/** Answers a request; a promise only when something has to be waited for. Never throws, never rejects. */
export type Handler = (request: Request) => Awaitable<Response>;

/**
 * Makes the handler that is all of playcount's HTTP interface.
 *
 * @throws {RangeError} for an option that is out of its range.
 *
 * @example
 * ```ts
 * const handle = createHandler(new ShardedStore());
 * await handle(new Request("http://localhost/song/1", { method: "POST" })); // 200, the text "1"
 * ```
 */
export function createHandler(store: CountStore, options: HandlerOptions = {}): Handler {
  const service = createService(store, options);
  const find = createRouter(routeTable(service).map(derive));

  function answer(request: Request): Awaitable<Response> {
    const { headers, method } = request;
    checkHost(headers.get("host"));
    const { path, query } = parseTarget(request.url);
    const found = find(path);
    if (found === undefined) throw new Problem(404);
    const { allow, actions } = found.route;
    if (method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
    const action = actions.get(method);
    if (action === undefined) throw new Problem(405, `${path.slice(0, 80)} allows ${allow}`, { allow });
    const format = preferredFormat(headers.get("accept"));
    if (format === undefined) throw new Problem(406, "There is text/plain and application/json");
    return action(service, { request, method, format, groups: found.groups, query });
  }

  return function handle(request) {
    try {
      const response = answer(request);
      return response instanceof Promise ? response.catch((error) => answerError(request, error)) : response;
    } catch (error) {
      return answerError(request, error);
    }
  };
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
};

function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Refusal) return new Problem(STATUS_OF_REFUSAL[error.reason], error.message);
  console.error(error); // for the operator; the client hears nothing of the inside
  return new Problem(500);
}

function createService(store: CountStore, options: HandlerOptions): Service {
  return {
    store,
    foldHeaders: new FoldHeaders(),
    signal: options.signal,
    resource: settle("resource", options.resource),
    basePath: settle("basePath", options.basePath),
    maxBodyBytes: settle("maxBodyBytes", options.maxBodyBytes),
  };
}

/** A route with what follows from its methods: `HEAD` wherever there is `GET`, and `OPTIONS` (RFC 9110 §9.3). */
function derive({ pattern, methods }: Route): {
  pattern: URLPattern;
  allow: string;
  actions: Map<string, Action>;
} {
  const actions = new Map<string, Action>();
  for (const [method, action] of Object.entries(methods)) {
    actions.set(method, action);
    if (method === "GET") actions.set("HEAD", action);
  }
  const allow = [...actions.keys(), "OPTIONS"].join(", ");
  return { pattern, allow, actions };
}

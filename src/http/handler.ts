import type { Awaitable } from "../async.ts";
import type { BodyLimits } from "./request/body.ts";
import { checkSetting } from "../settings/settings.ts";
import { shareWith } from "./cors.ts";
import type { Service } from "./exchange.ts";
import { Guard } from "./guard.ts";
import { answerAlways } from "./errors.ts";
import { Metrics } from "./metrics/metrics.ts";
import { preferredFormat } from "./request/accept.ts";
import { Problem } from "./response/problem.ts";
import { FoldHeaders } from "./response/reply.ts";
import { describeRoutes } from "./openapi.ts";
import { createRouter } from "./router.ts";
import { type Operation, pathOf, type Route, routeTable } from "./routes.ts";
import type { CountStore } from "../store/count-store.ts";
import { checkHost, parseTarget } from "./request/target.ts";

export { answerError } from "./errors.ts";

/** What can be set about a handler. */
export interface HandlerOptions {
  /** What is counted, as the path says it: one segment of `A-Z a-z 0-9 _ . ~ -`, `song` unless told. */
  resource?: string;
  /** Path in front of every other: begins with a slash and ends without one, as in `/plays`; none unless told. */
  basePath?: string;
  /** Longest request body, in bytes: 1 to 2^30, 16 MiB unless told. */
  maxBodyBytes?: number;
  /**
   * Whether `Content-Length` is true of bodies, as it is where requests come as an HTTP server took them: then short bodies
   * are read in one piece, which takes less time. If it is not true, a body of any length is read into memory. False
   * unless told.
   */
  trustsLength?: boolean;
  /** Bearer token that everything but reading and playing needs: `A-Z a-z 0-9 - . _ ~ + /`; none unless told. */
  token?: string;
  /** Bearer token that playing needs, besides the other one, which is good for that too; none unless told. */
  playToken?: string;
  /** Origins of other servers' pages that may read and play, as `https://example.com`; a list, or with commas. */
  corsOrigins?: string | readonly string[];
  /** Host names that are served, with a dot in front also all below one; a list, or with commas. All unless told. */
  allowedHosts?: string | readonly string[];
  /** Abort it when the server begins to stop: from then on `/health` is 503. */
  signal?: AbortSignal;
  /** Where requests are counted, for `/metrics`; in numbers of its own unless told. */
  metrics?: Metrics;
}

/** In the place of a cell: no route is known. */
const UNROUTED = -1;

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
  const settings = checkOptions(options);
  const routes = routeTable(settings);
  const paths = routes.map(pathOf);
  const metrics = options.metrics ?? new Metrics();
  const guard = new Guard(options);
  const service: Service = {
    ...settings,
    store,
    foldHeaders: new FoldHeaders(),
    document: () => JSON.stringify(describeRoutes(routes)),
    isManager: (headers) => guard.isManager(headers),
    metrics,
    requestCounts: () => metrics.requests(paths),
    signal: options.signal,
  };
  const find = createRouter(
    routes.map((route, place) => derive(route, (method) => metrics.cellOf(place, method))),
  );
  /** Where the present request is counted. Its route is found before anything waits, so one place is enough. */
  let cell = UNROUTED;

  function answer(request: Request): Awaitable<Response> {
    const { headers } = request;
    const host = headers.get("host");
    checkHost(host);
    guard.checkHost(host);
    const origin = headers.get("origin");
    if (origin === null) return perform(request);
    // A request that was made in this process has no Host.
    const isShared = guard.checkOrigin(origin, host ?? URL.parse(request.url)?.host ?? "");
    return isShared ? shareWith(origin, request, perform) : perform(request);
  }

  function perform(request: Request): Awaitable<Response> {
    const { headers, method } = request;
    const { path, query } = parseTarget(request.url);
    const found = find(path);
    if (found === undefined) throw new Problem(404);
    const { allow, operations, cellOf } = found.route;
    const operation = operations.get(method);
    cell = operation?.cell ?? cellOf(method);
    if (method === "OPTIONS") return new Response(null, { status: 204, headers: { allow } });
    if (operation === undefined) throw new Problem(405, `${path.slice(0, 80)} allows ${allow}`, { allow });
    guard.checkToken(headers, operation.scope);
    const format =
      preferredFormat(headers.get("accept")) ?? (operation.description.isOneType ? "text" : undefined);
    if (format === undefined) throw new Problem(406, "There is text/plain and application/json");
    return operation.act(service, { request, method, format, groups: found.groups, query });
  }

  return (request) => {
    cell = UNROUTED;
    const response = answerAlways(request, answer);
    const own = cell === UNROUTED ? metrics.cellOf(-1, request.method) : cell;
    if (response instanceof Promise) return response.then((later) => metrics.countResponse(own, later));
    return metrics.countResponse(own, response);
  };
}

function checkOptions(options: HandlerOptions): Pick<Service, "resource" | "basePath" | keyof BodyLimits> {
  return {
    resource: checkSetting("resource", options.resource),
    basePath: checkSetting("basePath", options.basePath),
    maxBodyBytes: checkSetting("maxBodyBytes", options.maxBodyBytes),
    trustsLength: options.trustsLength ?? false,
  };
}

interface DerivedRoute {
  pattern: URLPattern;
  allow: string;
  /** By method; `cell` is where its requests are counted. */
  operations: ReadonlyMap<string, Operation & { cell: number }>;
  cellOf: (method: string) => number;
}

/** A route with what follows from its methods: `HEAD` wherever there is `GET`, and `OPTIONS` (RFC 9110 §9.3). */
function derive({ pattern, methods }: Route, cellOf: (method: string) => number): DerivedRoute {
  const operations = new Map<string, Operation & { cell: number }>();
  for (const [method, operation] of Object.entries(methods)) {
    operations.set(method, { ...operation, cell: cellOf(method) });
    if (method === "GET") operations.set("HEAD", { ...operation, cell: cellOf("HEAD") });
  }
  const allow = [...operations.keys(), "OPTIONS"].join(", ");
  return { pattern, allow, operations, cellOf };
}

import { type Awaitable, whenReady } from "../async/awaitable.ts";
import { checkSetting, type GivenSettings } from "../settings/settings.ts";
import { shareWith } from "./cors.ts";
import {
  type Action,
  beginExchange,
  type Exchange,
  HANDLER_SETTINGS,
  type HandlerSettings,
  type Service,
} from "./exchange.ts";
import { Guard, type GuardOptions } from "./guard.ts";
import { answerAlways } from "./errors.ts";
import { Metrics } from "./metrics/metrics.ts";
import { FORMATS, preferredRepresentation, type Representation } from "./request/accept.ts";
import { bodyReadings } from "./request/body.ts";
import { ByteBudget } from "./request/byte-budget.ts";
import { answerConditionally, conditionsOf } from "./request/preconditions.ts";
import { Problem } from "./response/problem.ts";
import { FoldHeaders, replyEmpty } from "./response/reply.ts";
import { describeRoutes } from "./openapi.ts";
import { createRouter } from "./router.ts";
import { type Operation, templateOf, type Route, routeTable } from "./routes.ts";
import type { CountStore } from "../store/count-store.ts";
import { Streams } from "./streams/streams.ts";
import { parseQuery } from "./request/query.ts";
import { idRuleOf } from "./request/song-id.ts";
import { parseTarget, type Target } from "./request/target.ts";

export { answerError } from "./errors.ts";

/**
 * Options of a handler: the settings of the same names, with the same defaults. Lists are also taken as
 * arrays.
 *
 * docs/settings.md describes each setting.
 */
export interface HandlerOptions extends GuardOptions, GivenSettings<keyof HandlerSettings> {
  /**
   * `Content-Length` can be trusted, as it can be if requests come from an HTTP server. Short bodies are then
   * read in one piece, which is faster. With an untrue length, a body of any size would be read into memory.
   * Default: false.
   */
  trustsLength?: boolean | undefined;
  /**
   * Awaited before a write; the write is refused if its request was aborted until then. For a store that
   * answers later, served by `playcount/bun`: its `whenParsed`. Default: a write waits for nothing.
   */
  whenParsed?: (() => Promise<void>) | undefined;
  /** Aborted by the caller when the server begins to stop; from then on `/health` answers 503. */
  signal?: AbortSignal | undefined;
  /** Counters of requests, for `/metrics`. Default: new ones. */
  metrics?: Metrics | undefined;
}

/** Answers a request, synchronously if nothing has to be awaited. Never throws or rejects. */
export type Handler = (request: Request) => Awaitable<Response>;

/**
 * Makes a handler for the whole HTTP interface, with its counts in `store`.
 *
 * @throws {RangeError} for an option out of its range.
 *
 * @example
 * ```ts
 * import { createHandler, ShardedStore } from "playcount";
 *
 * const handle = createHandler(new ShardedStore());
 * const answer = await handle(new Request("http://localhost/song/1", { method: "POST" }));
 * await answer.text(); // "1"
 * ```
 */
export function createHandler(store: CountStore, options: HandlerOptions = {}): Handler {
  return new Dispatcher(store, options).handle;
}

/** Finds the operation of each request, checks access to it, and counts the answer. */
class Dispatcher {
  readonly #service: Service;
  readonly #guard: Guard;
  readonly #routes: readonly DerivedRoute[];
  readonly #find: (target: Target, exchange: Exchange) => DerivedRoute | undefined;

  constructor(store: CountStore, options: HandlerOptions) {
    const settings = checkOptions(options);
    const { trustsLength = false } = options;
    const routes = routeTable(settings);
    const paths = routes.map(templateOf);
    const metrics = options.metrics ?? new Metrics();
    const guard = new Guard(options);
    let document: string | undefined; // made when it is first asked for
    this.#guard = guard;
    this.#service = {
      ...settings,
      store,
      bodies: bodyReadings({ ...settings, trustsLength, whenParsed: options.whenParsed }),
      batchBytes: new ByteBudget(settings.maxPendingBytes),
      idRule: idRuleOf(settings.idPattern),
      foldHeaders: new FoldHeaders(),
      streams: new Streams(store, settings, metrics, options.signal),
      document: () =>
        (document ??= JSON.stringify(describeRoutes(routes, { ...settings, maxIdBytes: store.maxIdBytes }))),
      isManager: (headers) => guard.isManager(headers),
      metrics,
      requestCounts: () => metrics.requests(paths),
      signal: options.signal,
    };
    this.#routes = routes.map((route, index) => derive(route, index, FORMATS[settings.defaultFormat]));
    this.#find = createRouter(this.#routes);
  }

  readonly handle: Handler = (request) => {
    const exchange = beginExchange(request);
    const response = answerAlways(exchange, this.#service, this.#answer);
    return response instanceof Promise
      ? response.then((later) => this.#record(exchange, later))
      : this.#record(exchange, response);
  };

  // Made once, not for each request.
  readonly #answer = (exchange: Exchange): Awaitable<Response> => {
    const { method, headers, request } = exchange;
    const host = headers.get("host");
    const isServed = this.#guard.allowsHost(host);
    const target = parseTarget(request.url);
    const route = this.#find(target, exchange);
    if (!isServed && !route?.takesAnyHost)
      throw new Problem(403, "This host is not one of the allowed hosts");
    const origin = headers.get("origin");
    if (origin !== null && !route?.takesAnyOrigin) {
      // A Request that was made in this process has no Host.
      const own = host ?? URL.parse(request.url)?.host ?? "";
      if (this.#guard.checkOrigin(origin, own, headers.get("sec-fetch-site")))
        return shareWith(origin, exchange, this.#service, () => this.#perform(exchange, target, route));
    }
    this.#guard.checkSite(method, headers);
    return this.#perform(exchange, target, route);
  };

  #perform(exchange: Exchange, target: Target, route: DerivedRoute | undefined): Awaitable<Response> {
    const { method, headers } = exchange;
    if (route === undefined) throw new Problem(404);
    const { allow, operations } = route;
    exchange.route = route.index;
    const operation = operations.get(method);
    if (method === "OPTIONS") return replyEmpty(204, { allow });
    if (operation === undefined)
      throw new Problem(405, `${target.path.slice(0, 80)} allows ${allow}`, { allow });
    this.#guard.checkToken(headers, operation.scope);
    const { query } = target;
    const offered = query.length < 2 ? operation.offered : operation.selected; // a lone `?` selects nothing
    const representation =
      preferredRepresentation(headers.get("accept"), offered) ??
      (operation.takesAnyAccept ? this.#service.defaultFormat : undefined);
    if (representation === undefined)
      throw new Problem(406, "Accept must allow text/plain or application/json");
    exchange.format = representation === "json" ? "json" : "text";
    const act = operation.acts[representation] ?? operation.act;
    if (query !== "") exchange.query = parseQuery(query, operation.query ?? []);
    if (method !== "GET" && method !== "HEAD") return act(this.#service, exchange);
    const conditions = conditionsOf(headers);
    const answer = act(this.#service, exchange);
    return conditions === undefined
      ? answer
      : whenReady(answer, (full) => answerConditionally(conditions, full));
  }

  #record(exchange: Exchange, response: Response): Response {
    const { route, method } = exchange;
    if (this.#guard.hasOrigins && !this.#routes[route]?.takesAnyOrigin)
      response.headers.append("vary", "Origin");
    this.#service.metrics.countResponse(route, method, response.status);
    return response;
  }
}

function checkOptions(options: HandlerOptions): HandlerSettings {
  const entries = HANDLER_SETTINGS.map((name) => [name, checkSetting(name, options[name])]);
  return Object.fromEntries(entries) as HandlerSettings;
}

interface DerivedOperation extends Operation {
  /** Representations that a client can have, and the actions of those that have their own. */
  offered: readonly Representation[];
  /** Those of a target with a query, which selects songs: no page. */
  selected: readonly Representation[];
  acts: Readonly<Partial<Record<Representation, Action>>>;
}

interface DerivedRoute extends Omit<Route, "methods"> {
  allow: string;
  operations: ReadonlyMap<string, DerivedOperation>;
  /** Index in the route table. */
  index: number;
}

/** Adds to a route what follows from its methods: `HEAD` for `GET`, and `OPTIONS` (RFC 9110 §9.3). */
function derive(
  { methods, ...route }: Route,
  index: number,
  formats: readonly Representation[],
): DerivedRoute {
  const operations = new Map<string, DerivedOperation>();
  for (const [method, operation] of Object.entries(methods)) {
    const { others: acts = {} } = operation;
    const offered = [...formats, ...(Object.keys(acts) as Representation[])];
    const selected = offered.filter((name) => name !== "page");
    for (const name of method === "GET" ? ["GET", "HEAD"] : [method])
      operations.set(name, { ...operation, acts, offered, selected });
  }
  const allow = [...operations.keys(), "OPTIONS"].join(", ");
  return { ...route, allow, operations, index };
}

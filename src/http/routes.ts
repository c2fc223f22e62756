import type { Description } from "./description.ts";
import type { Action, Service } from "./exchange.ts";
import { addBatch } from "./resources/batch.ts";
import { acknowledge, getFold, listFolds, seal } from "./resources/folds.ts";
import { health, live } from "./resources/health.ts";
import { getMetrics } from "./resources/metrics.ts";
import { getDocument, getElement, getPage } from "./resources/page.ts";
import { getCount, addPlays, watchCount } from "./resources/song.ts";
import { clear, list, watchList } from "./resources/songs.ts";
import type { QueryParameter } from "./request/query.ts";
import { DOCUMENT_PATH } from "./response/problem-types.ts";
import type { Scope } from "./guard.ts";

/** Methods that a route may declare; `HEAD` and `OPTIONS` follow from them. */
export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** One method of a route: the required permission, the code, what a request may have, and documentation. */
export interface Operation extends Description {
  scope: Scope;
  act: Action;
  /** Actions for a client that prefers a stream of events, or a page for people. */
  others?: Readonly<Partial<Record<"stream" | "page", Action>>>;
  /** Query parameters, each at most once. Any other parameter is refused. */
  query?: readonly QueryParameter[];
  /** Set if a client is answered that accepts none of the representations. */
  takesAnyAccept?: true;
}

/** A path and its methods. */
export interface Route {
  pattern: URLPattern;
  /** Set if the route is served under every host name: probes use the server's address. */
  takesAnyHost?: true;
  /** Set if pages of every origin may read it. */
  takesAnyOrigin?: true;
  methods: Readonly<Partial<Record<Method, Operation>>>;
}

/** Returns the path of a route with its groups as OpenAPI writes them: `/song/{id}`. */
export function templateOf({ pattern }: Pick<Route, "pattern">): string {
  return pattern.pathname.replace(/:(\w+)(?:\(\.\+\))?/g, "{$1}");
}

type Rest = Omit<Operation, "scope" | "act" | "others">;

const read = (act: Action, rest: Rest, others: Operation["others"] = {}): Operation => {
  return { scope: "read", act, ...rest, others };
};
const play = (act: Action, rest: Rest): Operation => ({ scope: "play", act, ...rest });
const manage = (act: Action, rest: Rest): Operation => ({ scope: "manage", act, ...rest });

type RouteSettings = Pick<Service, "basePath" | "resource"> & Partial<Pick<Service, "page">>;

/** Returns all routes. Everything else about methods and paths is derived from this table. */
export function routeTable({ basePath, resource, page = true }: RouteSettings): Route[] {
  const route = (path: string, methods: Route["methods"]): Route => {
    return { pattern: new URLPattern({ pathname: basePath + path }), methods };
  };
  const probe = (
    path: string,
    act: Action,
    description: Pick<Description, "name" | "summary" | "problems">,
  ): Route => {
    const GET = read(act, { ...description, takesAnyAccept: true, answers: { 200: "done" } });
    return { ...route(path, { GET }), takesAnyHost: true };
  };
  return [
    route(`/${resource}/:id(.+)`, {
      GET: read(
        getCount,
        {
          name: "getCount",
          summary: "The song's count",
          query: ["after"],
          answers: { 200: "count" },
          problems: ["IdTooLong", "FoldDropped"],
        },
        { stream: watchCount },
      ),
      POST: play(addPlays, {
        name: "play",
        summary: "Add 1, or the number in the body, and answer the new count",
        body: "number",
        headers: ["Idempotency-Key", "Prefer"],
        answers: { 200: "count", 204: "minimal" },
        problems: ["CountOverflow", "IdTooLong", "StoreFull"],
      }),
    }),
    route("/", {
      GET: read(
        list,
        {
          name: "listCounts",
          summary: "All songs with a count, the highest, or the songs named; a page for browsers",
          query: ["id", "top", "after"],
          headers: ["If-None-Match"],
          answers: { 200: "list" },
          problems: ["FoldDropped", "IdTooLong"],
        },
        { stream: watchList, ...(page && { page: getPage }) },
      ),
      DELETE: manage(clear, {
        name: "clearCounts",
        summary: "Clear everything, folds included",
        body: "ignored",
        headers: ["If-Match"],
        answers: { 200: "done" },
        problems: ["Unsupported"],
      }),
    }),
    route("/batch", {
      POST: manage(addBatch, {
        name: "addBatch",
        summary: "Add a whole mapping atomically, and answer the new counts",
        body: "mapping",
        headers: ["Idempotency-Key", "Prefer"],
        answers: { 200: "counts", 204: "minimal" },
        problems: ["BatchTooLarge", "CountOverflow", "IdTooLong", "StoreFull"],
      }),
    }),
    route("/folds", {
      GET: read(listFolds, {
        name: "listFolds",
        summary: "The sealed and unacknowledged folds, ascending",
        answers: { 200: "folds" },
      }),
    }),
    route("/folds/:fold", {
      GET: read(getFold, {
        name: "getFold",
        summary: "The plays of a sealed fold",
        answers: { 200: "plays" },
        problems: ["UnknownFold", "FoldDropped"],
      }),
      PUT: manage(seal, {
        name: "sealFold",
        summary: "Seal the plays since the last fold, and answer them; idempotent",
        body: "label",
        headers: ["If-None-Match"],
        answers: { 200: "plays", 201: "plays" },
        problems: ["FoldOutOfOrder", "TooManyFolds", "OtherLabel"],
      }),
      DELETE: manage(acknowledge, {
        name: "acknowledgeFold",
        summary: "Acknowledge a fold that is in the database",
        body: "ignored",
        headers: ["Fold-Label"],
        answers: { 200: "done" },
        problems: ["UnknownFold", "FoldOutOfOrder", "OtherLabel"],
      }),
    }),
    probe("/health", health, {
      name: "getHealth",
      summary: "The server's readiness to count",
      problems: ["Unavailable"],
    }),
    probe("/health/live", live, { name: "getLiveness", summary: "200 as long as the server can answer" }),
    route("/metrics", {
      GET: read(getMetrics, {
        name: "getMetrics",
        summary: "Metrics of this process",
        takesAnyAccept: true,
        answers: { 200: "metrics" },
        problems: ["Unavailable"],
      }),
    }),
    {
      ...route("/play-count.js", {
        GET: read(getElement, {
          name: "getElement",
          summary: "A module that defines the element play-count for pages",
          headers: ["If-None-Match"],
          takesAnyAccept: true,
          answers: { 200: "script" },
        }),
      }),
      takesAnyOrigin: true,
    },
    route(DOCUMENT_PATH, {
      GET: read(getDocument, {
        name: "getOpenApi",
        summary: "This document",
        headers: ["If-None-Match"],
        takesAnyAccept: true,
        answers: { 200: "document" },
      }),
    }),
  ];
}

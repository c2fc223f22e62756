import type { Action, Service } from "./exchange.ts";
import { playAll } from "./resources/batch.ts";
import { acknowledge, getFold, listFolds, seal } from "./resources/folds.ts";
import { health } from "./resources/health.ts";
import { getCount, play } from "./resources/song.ts";
import { clear, list } from "./resources/songs.ts";

/** The methods that a route may declare; `HEAD` and `OPTIONS` are derived. */
export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** A path and what each of its methods does. */
export interface Route {
  pattern: URLPattern;
  methods: Readonly<Partial<Record<Method, Action>>>;
}

/** All there is. Everything else about methods and paths is derived from this table. */
export function routeTable({ basePath, resource }: Pick<Service, "basePath" | "resource">): Route[] {
  return [
    {
      pattern: new URLPattern({ pathname: `${basePath}/${resource}/:id(.+)` }),
      methods: { GET: getCount, POST: play },
    },
    { pattern: new URLPattern({ pathname: `${basePath}/` }), methods: { GET: list, DELETE: clear } },
    { pattern: new URLPattern({ pathname: `${basePath}/batch` }), methods: { POST: playAll } },
    { pattern: new URLPattern({ pathname: `${basePath}/folds` }), methods: { GET: listFolds } },
    {
      pattern: new URLPattern({ pathname: `${basePath}/folds/:fold` }),
      methods: { GET: getFold, PUT: seal, DELETE: acknowledge },
    },
    { pattern: new URLPattern({ pathname: `${basePath}/health` }), methods: { GET: health } },
  ];
}

import type { Action, Service } from "./exchange.ts";
import { health } from "./resources/health.ts";
import { getCount, play } from "./resources/song.ts";
import { clear, list } from "./resources/songs.ts";

/** The methods that a route may declare; `HEAD` and `OPTIONS` are derived. */
export type Method = "GET" | "POST" | "DELETE";

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
    { pattern: new URLPattern({ pathname: `${basePath}/health` }), methods: { GET: health } },
  ];
}

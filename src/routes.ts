import type { Action, Service } from "./exchange.ts";
import { addBatch } from "./resources/batch.ts";
import { acknowledge, getFold, listFolds, seal } from "./resources/folds.ts";
import { health } from "./resources/health.ts";
import { getCount, addPlays } from "./resources/song.ts";
import { clear, list } from "./resources/songs.ts";
import type { Scope } from "./scope.ts";

/** The methods that a route may declare; `HEAD` and `OPTIONS` are derived. */
export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** What a method does, and what a client must be allowed to do for it. */
export interface Operation {
  scope: Scope;
  act: Action;
}

/** A path and what each of its methods does. */
export interface Route {
  pattern: URLPattern;
  methods: Readonly<Partial<Record<Method, Operation>>>;
}

const read = (act: Action): Operation => ({ scope: "read", act });
const play = (act: Action): Operation => ({ scope: "play", act });
const manage = (act: Action): Operation => ({ scope: "manage", act });

/** All there is. Everything else about methods and paths is derived from this table. */
export function routeTable({ basePath, resource }: Pick<Service, "basePath" | "resource">): Route[] {
  return [
    {
      pattern: new URLPattern({ pathname: `${basePath}/${resource}/:id(.+)` }),
      methods: { GET: read(getCount), POST: play(addPlays) },
    },
    {
      pattern: new URLPattern({ pathname: `${basePath}/` }),
      methods: { GET: read(list), DELETE: manage(clear) },
    },
    { pattern: new URLPattern({ pathname: `${basePath}/batch` }), methods: { POST: manage(addBatch) } },
    { pattern: new URLPattern({ pathname: `${basePath}/folds` }), methods: { GET: read(listFolds) } },
    {
      pattern: new URLPattern({ pathname: `${basePath}/folds/:fold` }),
      methods: { GET: read(getFold), PUT: manage(seal), DELETE: manage(acknowledge) },
    },
    { pattern: new URLPattern({ pathname: `${basePath}/health` }), methods: { GET: read(health) } },
  ];
}

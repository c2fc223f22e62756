import type { Awaitable } from "../async/awaitable.ts";
import type { BodyReadings } from "./request/body.ts";
import type { ByteBudget } from "./request/byte-budget.ts";
import type { Settings } from "../settings/settings.ts";
import type { Metrics, RequestCount } from "./metrics/metrics.ts";
import type { Format } from "../mapping/write.ts";
import { type Groups, NO_GROUPS } from "./router.ts";
import type { IdRule } from "./request/song-id.ts";
import { NO_QUERY, type Query } from "./request/query.ts";
import type { FoldHeaders } from "./response/reply.ts";
import type { Streams } from "./streams/streams.ts";
import type { CountStore } from "../store/count-store.ts";

/** Names of the settings in {@linkcode HandlerSettings}. */
export const HANDLER_SETTINGS = [
  "resource",
  "basePath",
  "defaultFormat",
  "page",
  "maxBodyBytes",
  "bodySeconds",
  "maxPendingBytes",
  "maxBatchSongs",
  "idPattern",
  "maxStreams",
  "maxStreamSongs",
  "streamSeconds",
  "streamIdleSeconds",
] as const;
/** Settings that actions and routes use: options of the handler, and fields of {@linkcode Service}. */
export type HandlerSettings = Pick<Settings, (typeof HANDLER_SETTINGS)[number]>;

/** The parts of one handler that its actions work with. */
export interface Service extends HandlerSettings {
  store: CountStore;
  bodies: BodyReadings;
  /** Bytes of the batches under way. */
  batchBytes: ByteBudget;
  /** The rule that `idPattern` makes for ids to be played. */
  idRule: IdRule | undefined;
  foldHeaders: FoldHeaders;
  streams: Streams;
  /** Returns the OpenAPI document, as JSON. */
  document: () => string;
  /** Returns true if a request has the token for everything; false if the server has no tokens. */
  isManager: (headers: Headers) => boolean;
  metrics: Metrics;
  /** Returns the numbers of answered requests, by route. */
  requestCounts: () => RequestCount[];
  /** Aborted when the server is stopping. */
  signal: AbortSignal | undefined;
}

/** One request on its way to an answer. The handler fills in the fields as it finds their values. */
export interface Exchange {
  readonly request: Request;
  /** `request.headers`, a getter of the runtime that is called once. */
  readonly headers: Headers;
  /** Method of the request. The answer to `HEAD` is that to `GET` without its body. */
  readonly method: string;
  /** Format that the client prefers. */
  format: Format;
  /** Groups of the route's pattern, still percent-encoded. */
  groups: Groups;
  /** Query parameters that the operation lists. */
  query: Query;
  /** Index in the route table; -1 until a route is found and access to it is allowed. */
  route: number;
}

/** Makes the exchange of a request of which nothing is known yet. */
export function beginExchange(request: Request): Exchange {
  return {
    request,
    headers: request.headers,
    method: request.method,
    format: "text",
    groups: NO_GROUPS,
    query: NO_QUERY,
    route: -1,
  };
}

/** Answers the requests of one method on one route. The handler answers what it throws as a problem. */
export type Action = (service: Service, exchange: Exchange) => Awaitable<Response>;

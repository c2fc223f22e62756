import type { Awaitable } from "../async.ts";
import type { BodyLimits } from "./request/body.ts";
import type { Settings } from "../settings/settings.ts";
import type { Metrics, RequestCount } from "./metrics/metrics.ts";
import type { Format } from "../mapping/write.ts";
import type { Groups } from "./router.ts";
import type { FoldHeaders } from "./response/reply.ts";
import type { CountStore } from "../store/count-store.ts";

/** What every action of one handler works with. */
export interface Service extends BodyLimits, Pick<Settings, "basePath" | "resource"> {
  store: CountStore;
  foldHeaders: FoldHeaders;
  /** The OpenAPI document, as JSON. */
  document: () => string;
  /** Whether a request has the token for everything; false where there is none. */
  isManager: (headers: Headers) => boolean;
  metrics: Metrics;
  /** What requests were answered, by route. */
  requestCounts: () => RequestCount[];
  /** Aborted when the server is stopping. */
  signal: AbortSignal | undefined;
}

/** One request on its way to an answer: what has been found out about it. */
export interface Exchange {
  request: Request;
  /** As in the request; of a `HEAD`, the body of the answer is left out. */
  method: string;
  /** The format that the client prefers. */
  format: Format;
  /** The groups of the route's pattern, still percent-encoded. */
  groups: Groups;
  /** With its `?`, or empty. */
  query: string;
}

/** Answers the requests of one method on one route; what it throws is answered as a problem. */
export type Action = (service: Service, exchange: Exchange) => Awaitable<Response>;

import { type Awaitable, whenReady } from "../async/awaitable.ts";
import { answerAlways, type ErrorSettings } from "./errors.ts";
import type { Exchange } from "./exchange.ts";

/** Access-Control-Expose-Headers: response headers that a page may read besides the safelisted ones. */
const EXPOSED = "ETag, Fold, Link, Link-Template, Preference-Applied, Retry-After, WWW-Authenticate";
/** Access-Control-Allow-Headers: request headers that a page may send. */
const ALLOWED =
  "Accept, Authorization, Content-Type, Fold-Label, Idempotency-Key, If-Match, If-None-Match, Prefer";

/** Access-Control-Max-Age: seconds that a browser may cache a preflight. */
const MAX_AGE_SECONDS = "7200";

/** Answers a request of a page of an allowed origin, with CORS headers on errors as well. */
export function shareWith(
  origin: string,
  exchange: Exchange,
  service: ErrorSettings,
  perform: (exchange: Exchange) => Awaitable<Response>,
): Awaitable<Response> {
  return whenReady(answerAlways(exchange, service, perform), (response) => {
    const { headers } = response;
    headers.set("access-control-allow-origin", origin);
    headers.set("access-control-expose-headers", EXPOSED);
    if (exchange.method === "OPTIONS" && exchange.headers.has("access-control-request-method")) {
      headers.set("access-control-allow-methods", headers.get("allow") ?? "");
      headers.set("access-control-allow-headers", ALLOWED);
      headers.set("access-control-max-age", MAX_AGE_SECONDS);
    }
    return response;
  });
}

import { type Awaitable, whenReady } from "../async.ts";
import { answerAlways } from "./errors.ts";
import type { Exchange, Service } from "./exchange.ts";

/** Headers of answers that a page may read, beyond those that it always may. */
const EXPOSED = "ETag, Fold, Link, Link-Template, Preference-Applied, Retry-After, WWW-Authenticate";
const ALLOWED = "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer";

/** How long a browser need not ask again whether it may ask, in seconds. */
const MAX_AGE = "7200";

/** Answers a request of a page of another origin that may ask: each answer says so, also that something was wrong. */
export function shareWith(
  origin: string,
  exchange: Exchange,
  service: Pick<Service, "basePath">,
  perform: (exchange: Exchange) => Awaitable<Response>,
): Awaitable<Response> {
  return whenReady(answerAlways(exchange, service, perform), (response) => {
    const { headers } = response;
    headers.set("access-control-allow-origin", origin);
    headers.append("vary", "Origin");
    headers.set("access-control-expose-headers", EXPOSED);
    if (exchange.method === "OPTIONS" && exchange.request.headers.has("access-control-request-method")) {
      headers.set("access-control-allow-methods", headers.get("allow") ?? "");
      headers.set("access-control-allow-headers", ALLOWED);
      headers.set("access-control-max-age", MAX_AGE);
    }
    return response;
  });
}

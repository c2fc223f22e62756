import { type Awaitable, whenReady } from "../async.ts";
import { answerAlways } from "./errors.ts";

/** Headers of answers that a page may read, beyond those that it always may. */
const EXPOSED = "ETag, Fold, Link, Link-Template, Preference-Applied, Retry-After, WWW-Authenticate";
const ALLOWED = "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Prefer";

/** How long a browser need not ask again whether it may ask, in seconds. */
const MAX_AGE = "7200";

/** Answers a request of a page of another origin that may ask: each answer says so, also that something was wrong. */
export function shareWith(
  origin: string,
  request: Request,
  basePath: string,
  perform: (request: Request) => Awaitable<Response>,
): Awaitable<Response> {
  return whenReady(answerAlways(request, basePath, perform), (response) => {
    const { headers } = response;
    headers.set("access-control-allow-origin", origin);
    headers.append("vary", "Origin");
    headers.set("access-control-expose-headers", EXPOSED);
    if (request.method === "OPTIONS" && request.headers.has("access-control-request-method")) {
      headers.set("access-control-allow-methods", headers.get("allow") ?? "");
      headers.set("access-control-allow-headers", ALLOWED);
      headers.set("access-control-max-age", MAX_AGE);
    }
    return response;
  });
}

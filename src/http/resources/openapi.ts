import { hash64 } from "../../hash.ts";
import type { Exchange, Service } from "../exchange.ts";
import { headersFor, reply } from "../response/reply.ts";

/** `GET /openapi.json`: the description of the whole interface, always in JSON. */
export function openApi({ document }: Service, exchange: Exchange): Response {
  const text = document();
  const tag = hash64(text)
    .map((word) => word.toString(16))
    .join("-");
  const headers = headersFor("json", { "cache-control": "no-cache", etag: `"${tag}"` });
  return reply({ ...exchange, format: "json" }, text, { headers });
}

import type { Exchange, Service } from "../exchange.ts";
import { headersFor, reply } from "../response/reply.ts";

/** `GET /openapi.json`: the description of the whole interface, always in JSON. */
export function openApi({ document }: Service, exchange: Exchange): Response {
  const headers = headersFor("json", { "cache-control": "no-cache" });
  return reply({ ...exchange, format: "json" }, document(), { headers });
}

import type { Exchange, Service } from "../exchange.ts";
import { headersFor, reply } from "../response/reply.ts";

/** `GET /openapi.json`: the whole interface, for programs; JSON whatever is asked for. */
export function openApi({ document }: Service, exchange: Exchange): Response {
  const headers = headersFor("json", { "cache-control": "no-cache" });
  return reply({ ...exchange, format: "json" }, document(), { headers });
}

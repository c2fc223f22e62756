import type { Exchange, Service } from "../exchange.ts";
import type { Watch } from "../streams/streams.ts";
import { headersOf, reply } from "../response/reply.ts";

/** Answers with a stream of events. `X-Accel-Buffering` keeps nginx from holding them back. */
export async function replyStream(
  { store, streams }: Service,
  exchange: Exchange,
  watch: Watch,
): Promise<Response> {
  const body = await streams.open(watch);
  const fields = {
    vary: "Accept",
    "cache-control": "no-store",
    "x-accel-buffering": "no",
    fold: String(store.newestFold),
  };
  return reply(exchange, body, { headers: headersOf("text/event-stream", fields) });
}

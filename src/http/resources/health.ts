import type { Exchange, Service } from "../exchange.ts";
import { Problem } from "../response/problem.ts";
import { replyDone } from "../response/reply.ts";

/** `GET /health`: whether this server is ready to count; not while it is stopping. */
export function health({ signal, store }: Service, exchange: Exchange): Response {
  if (signal?.aborted) throw new Problem(503, "Stopping");
  if (store.unavailableBecause !== undefined) throw Problem.unavailable(store.unavailableBecause);
  return replyDone(exchange);
}

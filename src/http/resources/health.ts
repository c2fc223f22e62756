import type { Exchange, Service } from "../exchange.ts";
import { Problem } from "../response/problem.ts";
import { replyDone } from "../response/reply.ts";

/**
 * `GET /health`: 200 if this server is ready to count, 503 while it is stopping or the store is unavailable.
 */
export function health({ signal, store }: Service, exchange: Exchange): Response {
  if (signal?.aborted) throw Problem.of("Unavailable", "The server is stopping");
  if (store.unavailableBecause !== undefined) throw Problem.of("Unavailable", store.unavailableBecause);
  return replyDone(exchange);
}

/** `GET /health/live`: 200, also while `/health` is 503: no restart would help. */
export function live(_service: Service, exchange: Exchange): Response {
  return replyDone(exchange);
}

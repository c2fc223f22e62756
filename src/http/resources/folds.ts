import { type Awaitable, whenReady } from "../../async.ts";
import { afterBody } from "../request/body.ts";
import type { Exchange, Service } from "../exchange.ts";
import { listBody } from "../response/list-body.ts";
import { MAPPING_SYNTAX } from "../../mapping/write.ts";
import { refuseConditions } from "../request/preconditions.ts";
import { Problem } from "../response/problem.ts";
import { parseWholeNumber } from "../../mapping/whole-number.ts";
import { Refusal } from "../../store/refusal.ts";
import { headersFor, reply, replyDone } from "../response/reply.ts";

/** `GET /folds`: the numbers of the sealed and unacknowledged folds, in ascending order. */
export function listFolds({ store }: Service, exchange: Exchange): Awaitable<Response> {
  return whenReady(store.folds(), (folds) =>
    reply(exchange, exchange.format === "json" ? JSON.stringify(folds) : folds.join(",")),
  );
}

/** `GET /folds/{n}`: the plays of a sealed fold, the same bytes each time. */
export function getFold(service: Service, exchange: Exchange): Awaitable<Response> {
  return replyFold(service, exchange, numberOf(exchange), 200);
}

/**
 * `PUT /folds/{n}`: seals the plays since the last fold, and answers them: 201, or 200 if the fold was sealed
 * before.
 */
export function seal(service: Service, exchange: Exchange): Awaitable<Response> {
  const fold = numberOf(exchange);
  refuseConditions(exchange.request.headers);
  return afterBody(exchange.request, service, () => sealAndReply(service, exchange, fold));
}

function sealAndReply(service: Service, exchange: Exchange, fold: number): Awaitable<Response> {
  const sealed = whenReady(service.store.seal(fold), (isNew) =>
    replyFold(service, exchange, fold, isNew ? 201 : 200),
  );
  if (!(sealed instanceof Promise)) return sealed;
  return sealed.catch((error) => {
    // A clear came before the fold was read: seal it after the clear.
    if (error instanceof Refusal && error.reason === "unknown fold")
      return sealAndReply(service, exchange, fold);
    throw error;
  });
}

/** `DELETE /folds/{n}`: acknowledges the oldest unacknowledged fold. */
export function acknowledge(service: Service, exchange: Exchange): Awaitable<Response> {
  const fold = numberOf(exchange);
  refuseConditions(exchange.request.headers);
  return afterBody(exchange.request, service, () =>
    whenReady(service.store.acknowledge(fold), () => replyDone(exchange)),
  );
}

function replyFold(
  { store }: Service,
  exchange: Exchange,
  fold: number,
  status: number,
): Awaitable<Response> {
  const headers = headersFor(exchange.format, { "cache-control": "no-store" });
  return whenReady(listBody(store.fold(fold), MAPPING_SYNTAX[exchange.format]), (body) =>
    reply(exchange, body, { status, headers }),
  );
}

/** @throws {Problem} 400 unless the path ends with a whole number from 1 to 2^53 − 1. */
function numberOf({ groups }: Exchange): number {
  const fold = parseWholeNumber(groups["fold"] ?? "");
  if (fold !== undefined && fold >= 1) return fold;
  throw new Problem(400, `A fold must be a whole number from 1 to ${Number.MAX_SAFE_INTEGER}`);
}

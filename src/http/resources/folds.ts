import { type Awaitable, whenReady } from "../../async/awaitable.ts";
import { afterBody } from "../request/body.ts";
import { readFoldLabel, readLabel } from "../request/fold-label.ts";
import type { Exchange, Service } from "../exchange.ts";
import { listBody } from "../response/list-body.ts";
import { MAPPING_SYNTAX } from "../../mapping/write.ts";
import {
  checkConditions,
  conditionsOf,
  matchFails,
  noneMatchFails,
  preconditionFailed,
} from "../request/preconditions.ts";
import { Problem } from "../response/problem.ts";
import type { SealedFold } from "../../store/count-store.ts";
import { parseWholeNumber } from "../../mapping/whole-number.ts";
import { headersFor, reply, replyDone } from "../response/reply.ts";
import { Refusal, type RefusalReason } from "../../store/refusal.ts";

/** `GET /folds`: the sealed and unacknowledged folds, in ascending order. As text: their numbers. */
export function listFolds({ store, foldHeaders }: Service, exchange: Exchange): Awaitable<Response> {
  const { format } = exchange;
  return whenReady(store.folds(), (folds) => {
    const body =
      format === "json" ? JSON.stringify(folds.map(describe)) : folds.map(({ fold }) => fold).join(",");
    return reply(exchange, body, foldHeaders.for(format, store.newestFold));
  });
}

function describe({ fold, label, sealedAt }: SealedFold): Record<string, string | number> {
  return { fold, label, ...(sealedAt !== undefined && { sealed: new Date(sealedAt).toISOString() }) };
}

/** `GET /folds/{n}`: the plays of a sealed fold, the same bytes each time. */
export function getFold(service: Service, exchange: Exchange): Awaitable<Response> {
  return replyFold(service, exchange, numberOf(exchange), 200);
}

/**
 * `PUT /folds/{n}`: seals the plays since the last fold, and answers them: 201, or 200 if the fold was sealed
 * before. The body is the label of the fold.
 */
export function seal(service: Service, exchange: Exchange): Awaitable<Response> {
  const fold = numberOf(exchange);
  const { request, headers } = exchange;
  const { match = null, noneMatch = null } = conditionsOf(headers) ?? {};
  const sealAs = (label: string) => {
    if (match === null) return sealAndReply(service, exchange, { fold, label, noneMatch });
    return exists(service, fold, ["unknown fold", "gone"]).then((isThere) => {
      if (matchFails(match, isThere)) throw preconditionFailed();
      return sealAndReply(service, exchange, { fold, label, noneMatch });
    });
  };
  const reading = service.bodies.other;
  const isEmpty = request.body === null && reading.whenParsed === undefined;
  return isEmpty ? sealAs("") : readLabel(request, reading).then(sealAs);
}

function sealAndReply(
  service: Service,
  exchange: Exchange,
  seal: { fold: number; label: string; noneMatch: string | null },
): Awaitable<Response> {
  const { fold, label, noneMatch } = seal;
  const sealed = whenReady(service.store.seal(fold, label), (isNew) => {
    // Evaluated last, so that one of two simultaneous requests with `*` fails. It has changed nothing.
    if (noneMatchFails(noneMatch, !isNew)) throw preconditionFailed();
    return replyFold(service, exchange, fold, isNew ? 201 : 200);
  });
  if (!(sealed instanceof Promise)) return sealed;
  return sealed.catch((error) => {
    // A clear came before the fold was read: seal it after the clear.
    if (error instanceof Refusal && error.reason === "unknown fold")
      return sealAndReply(service, exchange, { fold, label, noneMatch });
    throw error;
  });
}

/**
 * `DELETE /folds/{n}`: acknowledges the oldest unacknowledged fold. With `Fold-Label`, only if the fold has
 * that label.
 */
export function acknowledge(service: Service, exchange: Exchange): Awaitable<Response> {
  const fold = numberOf(exchange);
  const { headers } = exchange;
  const [conditions, label] = [conditionsOf(headers), readFoldLabel(headers)];
  const acknowledgeNow = () => whenReady(service.store.acknowledge(fold, label), () => replyDone(exchange));
  return afterBody(exchange.request, service.bodies.other, () => {
    if (conditions === undefined) return acknowledgeNow();
    return exists(service, fold, ["gone"]).then((isThere) => {
      checkConditions(conditions, isThere);
      return acknowledgeNow();
    });
  });
}

/** Returns false if the store refuses to read a fold, for one of `reasons`. Other refusals are thrown. */
async function exists({ store }: Service, fold: number, reasons: readonly RefusalReason[]): Promise<boolean> {
  try {
    for await (const _ of store.fold(fold)) break;
    return true;
  } catch (error) {
    if (error instanceof Refusal && reasons.includes(error.reason)) return false;
    throw error;
  }
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

import type { Awaitable } from "../../async/awaitable.ts";
import { quoted } from "../../error-message.ts";
import { whenComplete } from "../request/body.ts";
import { readWholeNumber } from "../request/number-body.ts";
import type { Exchange, Service } from "../exchange.ts";
import { readKey } from "../request/idempotency-key.ts";
import { checkConditions, conditionsOf } from "../request/preconditions.ts";
import { prefersMinimal } from "../request/prefer.ts";
import { readAfter } from "../request/query.ts";
import { Problem } from "../response/problem.ts";
import { replyStream } from "./stream.ts";
import { reply, replyMinimal } from "../response/reply.ts";
import { decodeSongId } from "../request/song-id.ts";
import { type Addition, MAX_COUNT } from "../../store/count-store.ts";
import { Refusal } from "../../store/refusal.ts";
import { decimal } from "../response/decimal.ts";
import type { RequestKey } from "../../store/request-key.ts";

// Only an asynchronous store gets closures: beside counting in memory, their cost would be measurable.

/** `GET /song/{id}`: the song's current count. */
export function getCount(service: Service, exchange: Exchange): Awaitable<Response> {
  const id = songId(service, exchange);
  const count = service.store.get(id, readAfter(exchange.query));
  return count instanceof Promise
    ? count.then((later) => replyCount(service, exchange, id, later))
    : replyCount(service, exchange, id, count);
}

/** The stream of `GET /song/{id}`. */
export function watchCount(service: Service, exchange: Exchange): Awaitable<Response> {
  const songs = [songId(service, exchange)];
  return replyStream(service, exchange, { songs, after: readAfter(exchange.query) });
}

/** `POST /song/{id}`: adds 1, or the number in the body, and answers the new count. */
export function addPlays(service: Service, exchange: Exchange): Awaitable<Response> {
  const id = songId(service, exchange);
  const wrong = service.idRule?.(id);
  if (wrong !== undefined) throw new Problem(400, `The id ${quoted(id)} ${wrong}`);
  const { request, headers } = exchange;
  const key = readKey(headers, service.isManager);
  checkConditions(conditionsOf(headers), true);
  // Without a body nothing is awaited: most plays are counted and answered in one turn of the event loop.
  if (request.body === null) {
    const complete = whenComplete(request, service.bodies.other);
    if (complete === undefined) return add(service, exchange, id, 1, key);
    return complete.then(() => add(service, exchange, id, 1, key));
  }
  return readWholeNumber(request, service.bodies.other).then((plays = 1) =>
    add(service, exchange, id, plays, key),
  );
}

function add(
  service: Service,
  exchange: Exchange,
  id: string,
  plays: number,
  key: RequestKey | undefined,
): Awaitable<Response> {
  if (plays > MAX_COUNT) throw new Refusal("overflow", `The number exceeds ${MAX_COUNT}, the highest count`);
  const addition = service.store.add(id, plays, key);
  return addition instanceof Promise
    ? addition.then((later) => replyPlayed(service, exchange, id, plays, later))
    : replyPlayed(service, exchange, id, plays, addition);
}

function songId({ store }: Service, { groups }: Exchange): string {
  return decodeSongId(groups["id"] ?? "", store.maxIdBytes);
}

function replyPlayed(
  service: Service,
  exchange: Exchange,
  id: string,
  plays: number,
  { count, fold }: Addition,
): Response {
  service.metrics.countPlays(plays);
  return prefersMinimal(exchange.headers.get("prefer"))
    ? replyMinimal(fold)
    : replyCount(service, exchange, id, count, fold);
}

function replyCount(
  { foldHeaders, store }: Service,
  exchange: Exchange,
  id: string,
  count: number,
  fold: number = store.newestFold,
): Response {
  const { format } = exchange;
  const body = format === "json" ? JSON.stringify({ id, count }) : decimal(count);
  return reply(exchange, body, foldHeaders.for(format, fold));
}

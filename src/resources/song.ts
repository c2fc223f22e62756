import type { Awaitable } from "../awaitable.ts";
import { readWholeNumber } from "../body.ts";
import type { Exchange, Service } from "../exchange.ts";
import { matchFails, noneMatchFails, preconditionFailed } from "../preconditions.ts";
import { prefersMinimal } from "../prefer.ts";
import { reply } from "../reply.ts";
import { decodeSongId } from "../song-id.ts";
import { MAX_COUNT, Refusal } from "../store/count-store.ts";

// No closures but for a store that is asynchronous: counting in memory is done so fast that they would be felt.

/** `GET /song/{id}`: the song's count now. */
export function getCount(service: Service, exchange: Exchange): Awaitable<Response> {
  const id = songId(service, exchange);
  const count = service.store.get(id);
  return count instanceof Promise
    ? count.then((later) => replyCount(exchange, id, later))
    : replyCount(exchange, id, count);
}

/** `POST /song/{id}`: adds 1, or the number in the body, and answers the new count. */
export function play(service: Service, exchange: Exchange): Awaitable<Response> {
  const id = songId(service, exchange);
  checkConditions(exchange.request.headers);
  // Nothing is awaited when there is no body: most plays are counted and answered in one turn.
  if (exchange.request.body === null) return add(service, exchange, id, 1);
  return readWholeNumber(exchange.request, service.maxBodyBytes).then((plays = 1) =>
    add(service, exchange, id, plays),
  );
}

function add({ store }: Service, exchange: Exchange, id: string, plays: number): Awaitable<Response> {
  if (plays > MAX_COUNT) throw new Refusal("overflow", `No count goes past ${MAX_COUNT}`);
  const count = store.add(id, plays);
  return count instanceof Promise
    ? count.then((later) => replyPlayed(exchange, id, later))
    : replyPlayed(exchange, id, count);
}

const never = () => false;

/** A song has no entity tag: a condition on one does not hold, whichever it lists (RFC 9110 §13.1). */
function checkConditions(headers: Headers): void {
  if (matchFails(headers.get("if-match"), never) || noneMatchFails(headers.get("if-none-match"), never)) {
    throw preconditionFailed();
  }
}

function songId({ store }: Service, { groups }: Exchange): string {
  return decodeSongId(groups["id"] ?? "", store.maxIdBytes);
}

function replyPlayed(exchange: Exchange, id: string, count: number): Response {
  return prefersMinimal(exchange.request.headers.get("prefer"))
    ? replyMinimal()
    : replyCount(exchange, id, count);
}

function replyCount(exchange: Exchange, id: string, count: number): Response {
  return reply(exchange, exchange.format === "json" ? JSON.stringify({ id, count }) : String(count));
}

function replyMinimal(): Response {
  const headers = { "cache-control": "no-store", "preference-applied": "return=minimal" };
  return new Response(null, { status: 204, headers });
}

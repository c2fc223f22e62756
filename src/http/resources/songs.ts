import { type Awaitable, whenReady } from "../../async/awaitable.ts";
import { afterBody } from "../request/body.ts";
import type { Exchange, Service } from "../exchange.ts";
import { listBody } from "../response/list-body.ts";
import { MAPPING_SYNTAX, RANKING_SYNTAX, writeList } from "../../mapping/write.ts";
import {
  conditionsOf,
  listsTag,
  matchFails,
  noneMatchFails,
  notModified,
  preconditionFailed,
} from "../request/preconditions.ts";
import { readAfter, readIds, readTop } from "../request/query.ts";
import { Problem } from "../response/problem.ts";
import { replyStream } from "./stream.ts";
import { headersFor, reply, replyDone } from "../response/reply.ts";
import { hash64 } from "../../hash.ts";
import type { Entry } from "../../store/count-store.ts";

/** The songs that a query selects. */
interface Selection {
  /** Songs by name, each once. Default: all songs. */
  ids: string[] | undefined;
  /** Number of songs, the highest. */
  top: number | undefined;
  after: number | undefined;
}

/** @throws {Problem} 400 */
function readSelection({ query }: Exchange): Selection {
  const [ids, top] = [readIds(query), readTop(query)];
  if (ids !== undefined && top !== undefined) throw new Problem(400, "id and top exclude each other");
  return { ids, top, after: readAfter(query) };
}

/** `GET /`: all songs with a count; `GET /?top=N`: the N highest; `GET /?id=…`: the songs named. */
export function list(service: Service, exchange: Exchange): Awaitable<Response> {
  const { ids, top, after } = readSelection(exchange);
  if (ids !== undefined) return listNamed(service, exchange, ids, after);
  return whenReady(service.store.version, (version) => listAs(version, service, exchange, { top, after }));
}

/** The stream of `GET /?top=N` and `GET /?id=…`. All songs are too many to watch. */
export function watchList(service: Service, exchange: Exchange): Awaitable<Response> {
  const { ids, top, after } = readSelection(exchange);
  const songs = ids ?? (top === undefined ? undefined : { top });
  if (songs === undefined) throw new Problem(406, "A stream needs id or top");
  return replyStream(service, exchange, { songs, after });
}

/** Answers the counts of songs by name. The entity tag is a digest of them. */
function listNamed(
  service: Service,
  exchange: Exchange,
  ids: readonly string[],
  after: number | undefined,
): Awaitable<Response> {
  return whenReady(service.store.getAll(ids, after), (counts) => {
    const entries = ids.map((id, at): Entry => [id, counts[at] as number]);
    const body = writeList(MAPPING_SYNTAX[exchange.format], entries);
    return reply(exchange, body, { headers: listHeaders(service, exchange, hash64(body).join("-")) });
  });
}

function listAs(
  version: string,
  service: Service,
  exchange: Exchange,
  { top, after }: Pick<Selection, "top" | "after">,
): Awaitable<Response> {
  const { store } = service;
  const { format } = exchange;
  const tag = entityTag(version, `${format}${top ?? ""}${after === undefined ? "" : `-${after}`}`);
  const headers = listHeaders(service, exchange, tag);
  // The handler evaluates all conditions again. This saves the walk over the songs.
  const noneMatch = conditionsOf(exchange.headers)?.noneMatch ?? "";
  if (listsTag(noneMatch, (listed) => listed === tag)) return notModified(headers);
  if (top === undefined) {
    return whenReady(listBody(store.entries(after), MAPPING_SYNTAX[format]), (body) =>
      reply(exchange, body, { headers }),
    );
  }
  return whenReady(store.top(top, after), (entries) =>
    reply(exchange, writeList(RANKING_SYNTAX[format], entries), { headers }),
  );
}

/** `DELETE /`: clears everything, if the conditions of the request are fulfilled. */
export function clear(service: Service, exchange: Exchange): Awaitable<Response> {
  return afterBody(exchange.request, service.bodies.other, () => clearUnlessChanged(service, exchange));
}

function clearUnlessChanged({ store }: Service, exchange: Exchange): Awaitable<Response> {
  const { match = null, noneMatch = null } = conditionsOf(exchange.headers) ?? {};
  function conditionFails(version: string): boolean {
    const isCurrent = (listed: string) => versionOf(listed) === version; // a tag of any representation counts
    return matchFails(match, isCurrent) || noneMatchFails(noneMatch, isCurrent);
  }
  const isConditional = (match !== null && match.trim() !== "*") || noneMatch !== null;
  return whenReady(store.clear(isConditional ? conditionFails : undefined), (isCleared) => {
    if (!isCleared) throw preconditionFailed();
    return replyDone(exchange);
  });
}

function listHeaders(service: Service, { format }: Exchange, tag: string): Headers {
  return headersFor(format, {
    etag: `"${tag}"`,
    "cache-control": "no-cache",
    fold: String(service.store.newestFold),
    ...songLinks(service),
  });
}

/** Returns the entity tag of one representation of a version: both, separated by a dot. */
function entityTag(version: string, representation: string): string {
  return `${version}.${representation}`;
}

function versionOf(tag: string): string {
  return tag.replace(/\..*/s, "");
}

/** Links to songs by a URI template (RFC 6570, RFC 9652). */
function songLinks({ basePath, resource }: Service): Record<string, string> {
  return { "link-template": `"${basePath}/${resource}/{id}"; rel="item"` };
}

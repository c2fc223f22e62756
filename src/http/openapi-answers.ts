import type { Shape } from "./description.ts";
import { OLDER_TEXT, OPEN_METRICS } from "./metrics/exposition.ts";
import { COUNT, type Json, mapOf, ref, TEXT } from "./openapi-components.ts";

/** Header field of an answer. */
export type ResponseHeader =
  "ETag" | "Fold" | "Link" | "Link-Template" | "Preference-Applied" | "Retry-After" | "WWW-Authenticate";

export const HEADERS: Readonly<Record<ResponseHeader, Json>> = {
  ETag: { schema: TEXT, description: "version of the answer, for If-None-Match and If-Match" },
  Fold: { schema: COUNT, description: "newest sealed fold; of a play, the newest one before it" },
  Link: { schema: TEXT, description: 'type of the problem if it has one: <URI reference>; rel="type"' },
  "Link-Template": { schema: TEXT, description: "URI template of a song (RFC 9652)" },
  "Preference-Applied": { schema: TEXT },
  "Retry-After": { schema: COUNT, description: "seconds after which to try again" },
  "WWW-Authenticate": { schema: TEXT },
};

/** Refers to header fields of an answer. */
export function describeHeaders(names: readonly ResponseHeader[]): Json {
  return names.length === 0 ? {} : { headers: mapOf(names, (name) => ref("headers", name)) };
}

/** Successful answers. JSON comes first: generators take the first type. */
export const ANSWERS: Readonly<Record<Shape, Json>> = {
  count: answerOf("the count", ref("schemas", "SongCount"), ["Fold"]),
  counts: answerOf("the counts; as text id=count, separated by commas", ref("schemas", "Counts"), ["Fold"]),
  // The schema has no type: generators take no choice between an object and an array.
  list: answerOf("as Counts; in JSON with top an array of SongCount, the highest first", {}, [
    "ETag",
    "Fold",
    "Link-Template",
  ]),
  plays: answerOf("the plays; as text id=plays, separated by commas", ref("schemas", "Counts")),
  folds: answerOf(
    "the folds; as text their numbers, separated by commas",
    { type: "array", items: ref("schemas", "SealedFold") },
    ["Fold"],
  ),
  done: answerOf("done", ref("schemas", "Done")),
  document: {
    description: "an OpenAPI document",
    ...describeHeaders(["ETag"]),
    content: { "application/json": { schema: { type: "object" } } },
  },
  metrics: {
    description: "metrics for Prometheus",
    content: mapOf([OLDER_TEXT, OPEN_METRICS], () => ({ schema: TEXT })),
  },
  script: {
    description: "an ES module",
    ...describeHeaders(["ETag"]),
    content: { "text/javascript": { schema: TEXT } },
  },
  minimal: { description: "added", ...describeHeaders(["Fold", "Preference-Applied"]) },
};

/** The answer of a runtime to a long head, before it is a request. */
export const LONG_HEAD: Json = {
  description: "the head is longer than the server takes, on Bun 16 KiB: name fewer songs",
};

/** Describes the 304 to a request that would otherwise have this answer: some of its header fields remain. */
export function unchanged({ headers = {} }: Json): Json {
  const kept = Object.entries(headers as Json).filter(([name]) => name !== "Link-Template");
  return {
    description: "the condition in If-None-Match is false",
    ...(kept.length > 0 && { headers: Object.fromEntries(kept) }),
  };
}

/** Contents of other representations. */
export const OTHERS: Readonly<Record<"stream" | "page", Json>> = {
  stream: { "text/event-stream": { schema: TEXT } },
  page: { "text/html": { schema: TEXT } },
};

function answerOf(description: string, schema: Json, headers: readonly ResponseHeader[] = []): Json {
  const content = { "application/json": { schema }, "text/plain": { schema: TEXT } };
  return { description, ...describeHeaders(headers), content };
}

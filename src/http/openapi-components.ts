import type { Description, RequestHeader } from "./description.ts";
import type { HandlerSettings } from "./exchange.ts";
import {
  ID_PATTERN,
  KEY_PATTERN,
  LABEL_PATTERN,
  MAPPING_PATTERN,
  NUMBER_PATTERN,
} from "./openapi-patterns.ts";
import { MAX_FIELD_LENGTH } from "./request/list.ts";
import { MAX_IDS, MAX_TOP, type QueryParameter } from "./request/query.ts";
import { MAX_COUNT, MAX_LABEL_LENGTH } from "../store/count-store.ts";

/** A part of an OpenAPI document. */
export type Json = Readonly<Record<string, unknown>>;

/** Settings that the document depends on. */
export interface Limits extends Pick<HandlerSettings, "basePath" | "idPattern" | "maxBatchSongs"> {
  maxIdBytes: number;
}

/** Refers to a named part of the document. */
export function ref(kind: "headers" | "parameters" | "responses" | "schemas", name: string): Json {
  return { $ref: `#/components/${kind}/${name}` };
}

/** Makes an object with the value of `valueOf` for each name. */
export function mapOf<K extends string | number>(names: readonly K[], valueOf: (name: K) => Json): Json {
  return Object.fromEntries(names.map((name) => [name, valueOf(name)]));
}

/** Schema of a count or of any other number in requests and answers. */
export const COUNT: Json = { type: "integer", format: "int64", minimum: 0, maximum: MAX_COUNT };
const FOLD: Json = { ...COUNT, minimum: 1 };

/** Schema of any text. */
export const TEXT: Json = { type: "string" };
const CONDITION: Json = { type: "string", maxLength: MAX_FIELD_LENGTH };
const LABEL: Json = { type: "string", maxLength: MAX_LABEL_LENGTH, pattern: LABEL_PATTERN };

/** Returns the schemas of the id of a song, and of the id of one that can be played. */
function idSchemas({ idPattern, maxIdBytes }: Limits): { id: Json; played: Json } {
  const id = { type: "string", minLength: 1, maxLength: maxIdBytes, pattern: ID_PATTERN };
  return { id, played: idPattern === "" ? id : { ...id, pattern: `^(?:${idPattern})$` } };
}

/** Returns the schemas of requests and answers in JSON. */
export function schemasOf(limits: Limits): Json {
  return {
    SongCount: { type: "object", required: ["id", "count"], properties: { id: TEXT, count: COUNT } },
    Counts: { type: "object", description: "counts by id", additionalProperties: COUNT },
    Plays: {
      type: "object",
      description: "numbers of plays by id",
      maxProperties: limits.maxBatchSongs,
      propertyNames: idSchemas(limits).played,
      additionalProperties: COUNT,
    },
    SealedFold: {
      type: "object",
      required: ["fold", "label"],
      properties: { fold: FOLD, label: TEXT, sealed: { type: "string", format: "date-time" } },
    },
    Done: { type: "object", required: ["status"], properties: { status: { type: "string", const: "ok" } } },
  };
}

/** Name of a parameter. In a path, the id is `song`, or `played` of a play. */
export type Parameter = "song" | "played" | "fold" | QueryParameter | RequestHeader;

/** Returns the parameters of requests. */
export function parametersOf(limits: Limits): Readonly<Record<Parameter, Json>> {
  const { id, played } = idSchemas(limits);
  const inPath = (schema: Json) =>
    parameter("path", "id", schema, "contains slashes, encoded or not, if the id does");
  const ids = { type: "array", items: id, minItems: 1, maxItems: MAX_IDS };
  return {
    song: inPath(id),
    played: inPath(played),
    fold: parameter("path", "fold", FOLD, "number of the fold"),
    id: parameter("query", "id", ids, "only these songs, in this order; not together with top"),
    top: parameter(
      "query",
      "top",
      { ...COUNT, minimum: 1, maximum: MAX_TOP },
      "number of songs, the highest",
    ),
    after: parameter("query", "after", COUNT, "leaves out the plays of this fold and of older ones"),
    "Fold-Label": parameter("header", "Fold-Label", LABEL, "refuses a fold with another label"),
    "Idempotency-Key": parameter(
      "header",
      "Idempotency-Key",
      { type: "string", pattern: KEY_PATTERN },
      "name of the writer, and number of the request, which increases: a retry is not counted twice",
    ),
    "If-Match": parameter("header", "If-Match", CONDITION, "refuses the request unless its ETag is current"),
    "If-None-Match": parameter("header", "If-None-Match", CONDITION, "ETag of what the client has, or *"),
    Prefer: parameter("header", "Prefer", TEXT, "return=minimal: answers 204 without the counts"),
  };
}

function parameter(
  place: "path" | "query" | "header",
  name: string,
  schema: Json,
  description: string,
): Json {
  return { name, in: place, ...(place === "path" && { required: true }), schema, description };
}

/** Contents of requests. */
export const BODIES: Readonly<Record<NonNullable<Description["body"]>, Json>> = {
  number: {
    requestBody: {
      description: "plays to add; 1 without a body",
      content: {
        "application/json": { schema: COUNT },
        "text/plain": { schema: { type: "string", pattern: NUMBER_PATTERN } },
      },
    },
  },
  mapping: {
    requestBody: {
      description: "plays to add; none without a body",
      content: {
        "application/json": { schema: ref("schemas", "Plays") },
        "text/plain": { schema: { type: "string", pattern: MAPPING_PATTERN } },
      },
    },
  },
  label: {
    requestBody: {
      description: "label of the fold",
      // Text comes first: clients in Java send a string as it is, whatever its type.
      content: { "text/plain": { schema: LABEL }, "application/json": { schema: LABEL } },
    },
  },
  ignored: {},
};

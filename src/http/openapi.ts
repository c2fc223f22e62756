import type { Description, Shape } from "./description.ts";
import { OLDER_TEXT, OPEN_METRICS } from "./metrics/exposition.ts";
import { COUNT, describeProblems, type Json, problemSchemas } from "./openapi-problems.ts";
import { KEY } from "./request/idempotency-key.ts";
import { MAX_IDS, type QueryParameter } from "./request/query.ts";
import { type Operation, pathOf, type Route } from "./routes.ts";
import { MAX_TOP } from "./resources/songs.ts";
import { MAX_LABEL_LENGTH } from "../store/count-store.ts";
import { VERSION } from "../version.ts";

const MAPPING: Json = { type: "object", additionalProperties: COUNT };
const ONE: Json = {
  type: "object",
  required: ["id", "count"],
  properties: { id: { type: "string" }, count: COUNT },
};

const LABEL: Json = { type: "string", maxLength: MAX_LABEL_LENGTH, pattern: "^[ -~]*$" };
const SEALED_FOLD: Json = {
  type: "object",
  required: ["fold", "label"],
  properties: { fold: COUNT, label: LABEL, sealed: { type: "string", format: "date-time" } },
};

/** Schema of an answer in JSON, with its text form in words; or the types of an answer in text alone. */
type Schema = { json: Json; text?: string } | { types: readonly string[] };

const SCHEMAS: Record<Exclude<Shape, "nothing">, Schema> = {
  count: { json: ONE, text: "the count" },
  mapping: { json: MAPPING, text: "pairs of id=count separated by commas, the ids percent-encoded" },
  list: {
    json: { oneOf: [MAPPING, { type: "array", items: ONE }] },
    text: "pairs of id=count separated by commas, the ids percent-encoded",
  },
  folds: { json: { type: "array", items: SEALED_FOLD }, text: "numbers separated by commas" },
  done: { json: { type: "object", properties: { status: { const: "ok" } } }, text: "OK" },
  document: { json: { type: "object" } },
  metrics: { types: [OLDER_TEXT, OPEN_METRICS] },
};

type PathParameter = "id" | "fold";
type Parameter = QueryParameter | "Idempotency-Key" | "Fold-Label";

const PATH_PARAMETERS: Readonly<Record<PathParameter, Json>> = {
  id: { schema: { type: "string", minLength: 1 }, description: "may hold slashes" },
  fold: { schema: { ...COUNT, minimum: 1 } },
};

const PARAMETERS: Readonly<Record<Parameter, Json>> = {
  id: {
    in: "query",
    schema: {
      type: "array",
      items: { type: "string", minLength: 1 },
      minItems: 1,
      maxItems: MAX_IDS,
    },
    description: "only these songs, in this order",
  },
  top: {
    in: "query",
    schema: { type: "integer", minimum: 1, maximum: MAX_TOP },
    description: "only this many songs, the highest",
  },
  after: { in: "query", schema: COUNT, description: "leaves out the plays of this fold and of older ones" },
  "Fold-Label": { in: "header", schema: LABEL, description: "refuses a fold with another label" },
  "Idempotency-Key": {
    in: "header",
    schema: { type: "string", pattern: `^${KEY.source}` },
    description:
      "name of the writer, and the number of the request, which increases: a retry is not counted twice",
  },
};

const BODIES: Record<NonNullable<Description["body"]>, Json> = {
  "a number": {
    content: {
      "text/plain": { schema: { type: "string", pattern: "^\\d+$" } },
      "application/json": { schema: COUNT },
    },
  },
  "a mapping": {
    required: true,
    content: { "text/plain": { schema: { type: "string" } }, "application/json": { schema: MAPPING } },
  },
  "a label": {
    description: "name of the job whose fold it is",
    content: { "text/plain": { schema: LABEL } },
  },
  anything: { description: "read to its end and ignored", content: { "*/*": {} } },
};

/** Describes a route table of a server with this base path as an OpenAPI 3.1 document. */
export function describeRoutes(routes: readonly Route[], basePath: string): Json {
  return {
    openapi: "3.1.0",
    info: { title: "playcount", version: VERSION, summary: "A play counter whose whole interface is HTTP" },
    paths: Object.fromEntries(routes.map((route) => [pathOf(route), describePath(route)])),
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      schemas: problemSchemas(basePath),
    },
  };
}

function describePath(route: Route): Json {
  const groups = Array.from(pathOf(route).matchAll(/\{(\w+)\}/g), ([, name]) => {
    return { name, in: "path", required: true, ...PATH_PARAMETERS[name as PathParameter] };
  });
  const operations = Object.entries(route.methods).map(([method, operation]) => [
    method.toLowerCase(),
    describeOperation(method, operation),
  ]);
  return { ...(groups.length > 0 && { parameters: groups }), ...Object.fromEntries(operations) };
}

function describeOperation(method: string, { scope, description }: Operation): Json {
  const { summary, query = [], body, takesKey = false, takesLabel = false, answers } = description;
  const parameters: Parameter[] = [...query];
  if (takesKey) parameters.push("Idempotency-Key");
  if (takesLabel) parameters.push("Fold-Label");
  const all = method === "GET" ? { ...answers, 304: "nothing" as const } : answers;
  const answered = Object.entries(all).map(([status, shape]) => [status, describeAnswer(shape)]);
  return {
    summary,
    ...(parameters.length > 0 && { parameters: parameters.map(parameter) }),
    ...(body !== undefined && { requestBody: BODIES[body] }),
    // The empty requirement stands for a server without tokens.
    ...(scope !== "read" && { security: [{ bearer: [] }, {}] }),
    responses: { ...Object.fromEntries(answered), ...describeProblems({ scope, description }) },
  };
}

function describeAnswer(shape: Shape): Json {
  if (shape === "nothing") return { description: "no content" };
  const answer = SCHEMAS[shape];
  if ("types" in answer) {
    const content = answer.types.map((type) => [type, { schema: { type: "string" } }]);
    return { description: "metrics for Prometheus", content: Object.fromEntries(content) };
  }
  const { json, text } = answer;
  return {
    description: text ?? "a JSON document",
    content: {
      ...(text !== undefined && { "text/plain": { schema: { type: "string" } } }),
      "application/json": { schema: json },
    },
  };
}

function parameter(name: Parameter): Json {
  return { name, ...PARAMETERS[name] };
}

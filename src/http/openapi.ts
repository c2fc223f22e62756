import type { Shape } from "./description.ts";
import { ANSWERS, HEADERS, LONG_HEAD, OTHERS, unchanged } from "./openapi-answers.ts";
import { BODIES, type Json, type Limits, parametersOf, ref, schemasOf } from "./openapi-components.ts";
import { describeProblems, problemResponses, problemSchemas } from "./openapi-problems.ts";
import { type Operation, templateOf, type Route } from "./routes.ts";
import { VERSION } from "../version.ts";

/** The tag of all operations: generated clients name a class or a module after it. */
const TAG = "playcount";

/** Describes a route table as an OpenAPI 3.1 document, for people and for generators of clients. */
export function describeRoutes(routes: readonly Route[], limits: Limits): Json {
  return {
    openapi: "3.1.0",
    info: {
      title: "playcount",
      version: VERSION,
      summary: "A play counter whose whole interface is HTTP",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
    tags: [{ name: TAG, description: "Counts, and folds that hand them over" }],
    paths: Object.fromEntries(routes.map((route) => [templateOf(route), describePath(route)])),
    components: {
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
      schemas: { ...schemasOf(limits), ...problemSchemas(limits.basePath) },
      parameters: parametersOf(limits),
      headers: HEADERS,
      responses: problemResponses(),
    },
  };
}

function describePath(route: Route): Json {
  const operations = Object.entries(route.methods).map(([method, operation]) => [
    method.toLowerCase(),
    describeOperation(templateOf(route), method, operation),
  ]);
  return Object.fromEntries(operations);
}

function describeOperation(path: string, method: string, operation: Operation): Json {
  const { scope, name, summary, query = [], headers = [], body = "ignored", answers } = operation;
  const idIn = scope === "play" ? "played" : "song";
  const groups = Array.from(path.matchAll(/\{(\w+)\}/g), ([, group]) => (group === "id" ? idIn : group));
  const parameters = [...groups, ...query, ...headers].map((parameter) =>
    ref("parameters", parameter as string),
  );
  const answered = Object.entries(answers).map(([status, shape]): [string, Json] => [
    status,
    withOthers(ANSWERS[shape], operation),
  ]);
  if (method === "GET") answered.push(["304", unchanged(ANSWERS[answers[200] as Shape])]);
  if (query.includes("id")) answered.push(["431", LONG_HEAD]);
  return {
    operationId: name,
    summary,
    tags: [TAG],
    // The empty requirement stands for a server without tokens.
    security: scope === "read" ? [] : [{ bearer: [] }, {}],
    ...(parameters.length > 0 && { parameters }),
    ...BODIES[body],
    responses: { ...Object.fromEntries(answered), ...describeProblems(operation) },
  };
}

/** Adds the other representations of an answer. */
function withOthers(answer: Json, { others }: Operation): Json {
  if (others === undefined) return answer;
  const added = (Object.keys(others) as (keyof typeof others)[]).map((name) => OTHERS[name]);
  return { ...answer, content: Object.assign({}, answer["content"], ...added) };
}

import { describeHeaders, type ResponseHeader } from "./openapi-answers.ts";
import { COUNT, type Json, mapOf, ref, TEXT } from "./openapi-components.ts";
import {
  PHRASES,
  PROBLEM_TYPES,
  type ProblemStatus,
  type ProblemType,
  type ProblemTypeName,
  typeReference,
} from "./response/problem-types.ts";
import type { Operation } from "./routes.ts";

const REQUIRED = ["type", "title", "status"];
const DETAIL: Json = { type: "string", description: "a sentence for people" };

/** Any problem. Clients that do not know a type treat it as one of these (RFC 9457 §3.1.1). */
const PROBLEM: Json = {
  description: "RFC 9457",
  type: "object",
  required: REQUIRED,
  properties: {
    type: {
      type: "string",
      format: "uri-reference",
      description: "about:blank, or the reference of the schema of a type",
    },
    title: { type: "string", description: "the meaning of the type, or the reason phrase of the status" },
    status: { type: "integer" },
    detail: DETAIL,
  },
};

/** Returns the schemas of the problem types below a base path, and `Problem`, which fits all of them. */
export function problemSchemas(basePath: string): Json {
  const types = Object.entries(PROBLEM_TYPES) as [ProblemTypeName, ProblemType][];
  const schemas = types.map(([name, type]) => [name, describeType(typeReference(basePath, name), type)]);
  return { Problem: PROBLEM, ...Object.fromEntries(schemas) };
}

/** Repeats the properties of `Problem`: generators do not combine a schema with the one that it extends. */
function describeType(reference: string, { status, title, members, optional = [] }: ProblemType): Json {
  const numbers = Object.entries(members).map(([name, description]) => [name, { ...COUNT, description }]);
  return {
    description: title,
    type: "object",
    required: [...REQUIRED, ...Object.keys(members).filter((name) => !optional.includes(name))],
    properties: {
      type: { type: "string", const: reference },
      title: { type: "string", const: title },
      status: { type: "integer", const: status },
      detail: DETAIL,
      ...Object.fromEntries(numbers),
    },
  };
}

/** Statuses of problems without a type. */
const UNTYPED = [400, 401, 403, 406, 408, 412, 415, 500] as const;

/** Returns the problems without a type, which operations refer to by the name of the status. */
export function problemResponses(): Json {
  return Object.fromEntries(UNTYPED.map((status) => [nameOf(status), describeStatus(status, [])]));
}

function nameOf(status: ProblemStatus): string {
  return PHRASES[status].replaceAll(" ", "");
}

/** Describes the problems of an operation, by status. */
export function describeProblems(operation: Operation): Json {
  const types = problemTypesOf(operation);
  return mapOf(statusesOf(operation, types), (status) => {
    const ofStatus = types.filter((type) => PROBLEM_TYPES[type].status === status);
    return ofStatus.length === 0 ? ref("responses", nameOf(status)) : describeStatus(status, ofStatus);
  });
}

function problemTypesOf(operation: Operation): ProblemTypeName[] {
  const { scope, body, headers = [], takesAnyAccept, problems = [] } = operation;
  const types = [...problems];
  if (body !== undefined) types.push("BodyTooLarge");
  if (headers.includes("Idempotency-Key")) types.push("StaleKey", "KeyReused");
  if (!takesAnyAccept) types.push("Unavailable"); // these operations use the store, on a disk or in Redis
  if (scope !== "read") types.push("UnknownOutcome");
  return types;
}

function statusesOf(
  { scope, body, takesAnyAccept }: Operation,
  types: readonly ProblemTypeName[],
): ProblemStatus[] {
  const statuses: ProblemStatus[] = [400, 403, 412, 500, ...types.map((type) => PROBLEM_TYPES[type].status)];
  if (!takesAnyAccept) statuses.push(406);
  if (scope !== "read") statuses.push(401);
  if (body !== undefined && body !== "ignored") statuses.push(415);
  if (body !== undefined) statuses.push(408);
  return [...new Set(statuses)].sort((a, b) => a - b);
}

/** `Problem` comes last: some clients take the first schema that fits. */
function describeStatus(status: ProblemStatus, types: readonly ProblemTypeName[]): Json {
  const schemas = [...types, "Problem"].map((name) => ref("schemas", name));
  const headers: ResponseHeader[] = types.length > 0 ? ["Link"] : [];
  if (types.includes("Unavailable")) headers.push("Retry-After");
  if (status === 401 || status === 403) headers.push("WWW-Authenticate");
  return {
    description: PHRASES[status],
    ...describeHeaders(headers),
    content: {
      "application/problem+json": { schema: types.length > 0 ? { anyOf: schemas } : schemas[0] },
      "text/plain": { schema: TEXT },
    },
  };
}

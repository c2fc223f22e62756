import {
  phraseOf,
  PROBLEM_TYPES,
  type ProblemStatus,
  type ProblemType,
  type ProblemTypeName,
  typeReference,
} from "./response/problem-types.ts";
import type { Operation } from "./routes.ts";

/** A part of an OpenAPI document. */
export type Json = Readonly<Record<string, unknown>>;

/** Schema of a count or of any other number in requests and answers. */
export const COUNT: Json = { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

const PROBLEM: Json = {
  description: "RFC 9457",
  type: "object",
  required: ["type", "title", "status"],
  properties: {
    type: {
      type: "string",
      format: "uri-reference",
      description: "about:blank, or the reference of a type that extends this one",
    },
    title: { type: "string", description: "the meaning of the type, or the reason phrase of the status" },
    status: { type: "integer" },
    detail: { type: "string", description: "a sentence for people" },
  },
};

const TYPE_LINK: Json = {
  schema: { type: "string" },
  description: 'the type of the problem if it has one, as <URI reference>; rel="type"',
};

/**
 * Returns the schemas of all problem types of a server with this base path, and `Problem`, which they extend.
 */
export function problemSchemas(basePath: string): Json {
  const types = Object.entries(PROBLEM_TYPES) as [ProblemTypeName, ProblemType][];
  const schemas = types.map(([name, type]) => [name, describeType(typeReference(basePath, name), type)]);
  return { Problem: PROBLEM, ...Object.fromEntries(schemas) };
}

function describeType(reference: string, { status, title, members, optional = [] }: ProblemType): Json {
  const numbers = Object.entries(members).map(([name, description]) => [name, { ...COUNT, description }]);
  return {
    description: title,
    allOf: [schemaOf("Problem")],
    required: Object.keys(members).filter((name) => !optional.includes(name)),
    properties: {
      type: { const: reference },
      title: { const: title },
      status: { const: status },
      ...Object.fromEntries(numbers),
    },
  };
}

function schemaOf(name: "Problem" | ProblemTypeName): Json {
  return { $ref: `#/components/schemas/${name}` };
}

type Documented = Pick<Operation, "scope" | "description">;

/** Describes the problems of an operation, by status. */
export function describeProblems(operation: Documented): Json {
  const types = problemTypesOf(operation);
  const problems = statusesOf(operation, types).map((status) => [
    status,
    describeStatus(
      status,
      types.filter((type) => PROBLEM_TYPES[type].status === status),
    ),
  ]);
  return Object.fromEntries(problems);
}

function problemTypesOf({ scope, description }: Documented): ProblemTypeName[] {
  const { body, takesKey, takesAnyAccept, problems = [] } = description;
  const types = [...problems];
  if (body !== undefined) types.push("BodyTooLarge");
  if (takesKey) types.push("StaleKey", "KeyReused");
  if (!takesAnyAccept) types.push("Unavailable"); // these operations use the store, on a disk or in Redis
  if (scope !== "read") types.push("UnknownOutcome");
  return types;
}

function statusesOf({ scope, description }: Documented, types: readonly ProblemTypeName[]): ProblemStatus[] {
  const { body, takesAnyAccept } = description;
  const statuses: ProblemStatus[] = [400, 403, 412, 500, ...types.map((type) => PROBLEM_TYPES[type].status)];
  if (!takesAnyAccept) statuses.push(406);
  if (scope !== "read") statuses.push(401);
  if (body !== undefined && body !== "anything") statuses.push(415);
  if (body !== undefined) statuses.push(408);
  return [...new Set(statuses)].sort((a, b) => a - b);
}

function describeStatus(status: ProblemStatus, types: readonly ProblemTypeName[]): Json {
  const schema =
    types.length === 0 ? schemaOf("Problem") : { anyOf: ["Problem" as const, ...types].map(schemaOf) };
  return {
    description: phraseOf(status),
    ...(types.length > 0 && { headers: { Link: TYPE_LINK } }),
    content: { "text/plain": { schema: { type: "string" } }, "application/problem+json": { schema } },
  };
}

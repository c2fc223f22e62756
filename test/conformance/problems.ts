import { expect } from "bun:test";
import type { Subject } from "./subject.ts";

interface Wanted {
  type: string;
  status: number;
  title: string;
  /** Further members, except `detail`. */
  members: Readonly<Record<string, number>>;
}

interface Schema {
  required: string[];
  properties: Record<string, { const?: unknown }>;
}

/**
 * Asserts that a request is refused with a problem of a type: in a `Link` of text and JSON, and in the body
 * of JSON. The type has to resolve to its schema in the OpenAPI document.
 */
export async function expectProblem(
  { fetch, root }: Subject,
  path: string,
  init: RequestInit,
  { type: name, status, title, members }: Wanted,
): Promise<void> {
  const type = `${root}openapi.json#/components/schemas/${name}`;
  for (const accept of ["text/plain", "application/json", "application/problem+json, text/plain;q=0.9"]) {
    const headers = { ...(init.headers as Record<string, string>), accept };
    const answer = await fetch(path, { ...init, headers });
    const link = `<${type}>; rel="type"`;
    expect({ status: answer.status, link: answer.headers.get("link") }).toEqual({ status, link });
    if (accept === "text/plain") {
      expect(answer.headers.get("content-type")).toBe("text/plain;charset=utf-8");
      await answer.text();
    } else {
      expect(answer.headers.get("content-type")).toBe("application/problem+json");
      const detail: unknown = expect.any(String);
      expect(await answer.json()).toEqual({ type, title, status, detail, ...members });
    }
  }
  const schema = await schemaAt(fetch, type);
  expect(schema.required.slice(0, 3)).toEqual(["type", "title", "status"]);
  const { type: typeField, title: titleField, status: statusField, detail, ...described } = schema.properties;
  expect(detail).toMatchObject({ type: "string" });
  expect([typeField?.const, titleField?.const, statusField?.const]).toEqual([type, title, status]);
  expect(Object.keys(described)).toEqual(expect.arrayContaining(Object.keys(members)));
  expect(Object.keys(members)).toEqual(expect.arrayContaining(schema.required.slice(3)));
}

/** Resolves the URI reference of a type: a document, and a JSON pointer into it (RFC 6901). */
async function schemaAt(fetch: Subject["fetch"], type: string): Promise<Schema> {
  const [path = "", pointer = ""] = type.split("#");
  let value: unknown = await (await fetch(path)).json();
  for (const key of pointer.split("/").slice(1)) value = (value as Record<string, unknown>)[key];
  return value as Schema;
}

import type { CountServerError } from "./count-server-error.ts";

/** The parts of a problem (RFC 9457) that a client uses. */
export interface ServerProblem extends Pick<CountServerError, "type" | "members"> {
  /** Title and detail, for people. */
  text: string;
}

/** The reference of a type of any play counter, whatever its base path. */
const TYPE = /\/openapi\.json#\/components\/schemas\/([A-Za-z]+)$/;

/** Reads a problem from a failed answer; `undefined` for any other body. */
export function readProblem(response: Response, body: string): ServerProblem | undefined {
  if (!/^application\/problem\+json\b/i.test(response.headers.get("content-type") ?? "")) return undefined;
  const fields = parseObject(body);
  if (fields === undefined) return undefined;
  const { type, title, status: _status, detail, ...others } = fields;
  const sentences = [title, detail].filter((part) => typeof part === "string" && part !== "");
  const name = typeof type === "string" ? TYPE.exec(type)?.[1] : undefined;
  const numbers = Object.entries(others).filter(([, value]) => Number.isSafeInteger(value));
  const members = Object.fromEntries(name === undefined ? [] : numbers) as Record<string, number>;
  return { type: name, text: sentences.join(": "), members };
}

function parseObject(source: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(source);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

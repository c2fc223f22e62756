/** The parts of a problem (RFC 9457) that a client uses. */
export interface ServerProblem {
  /** Name of the type; `undefined` for `about:blank` and for types of other programs. */
  type: string | undefined;
  /** Title and detail, for people. */
  text: string;
  /** Members that not every problem has. */
  members: Readonly<Record<string, unknown>>;
}

/** The reference of a type of any play counter, whatever its base path. */
const TYPE = /\/openapi\.json#\/components\/schemas\/([A-Za-z]+)$/;

/** Reads a problem from a failed answer; `undefined` for any other body. */
export function readProblem(response: Response, body: string): ServerProblem | undefined {
  if (!/^application\/problem\+json\b/i.test(response.headers.get("content-type") ?? "")) return undefined;
  const fields = parseObject(body);
  if (fields === undefined) return undefined;
  const { type, title, status: _status, detail, ...members } = fields;
  const sentences = [title, detail].filter((part) => typeof part === "string" && part !== "");
  return { type: TYPE.exec(String(type))?.[1], text: sentences.join(": "), members };
}

function parseObject(source: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(source);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

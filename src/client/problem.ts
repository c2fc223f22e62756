/** A problem (RFC 9457), as far as a client uses it. */
export interface Problem {
  /** Name of the type; `undefined` for `about:blank` and for types of other programs. */
  type: string | undefined;
  /** The title and the detail, for people. */
  text: string;
  /** All members that are not those of every problem. */
  members: Readonly<Record<string, unknown>>;
}

/** The types of all play counters: the server's base path stands in front. */
const TYPE = /\/openapi\.json#\/components\/schemas\/([A-Za-z]+)$/;

/** Reads the body of a failed answer; `undefined` if it is no problem. */
export function readProblem(response: Response, body: string): Problem | undefined {
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

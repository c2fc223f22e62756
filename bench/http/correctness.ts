import { type Answer, sendRequest, type RunningServer } from "../harness/server.ts";

/** Request, expected status, and expected body where it matters. */
type Step = readonly [method: string, path: string, status: number, body?: string];

/** A session with every request that the original knows. */
const SESSION: readonly Step[] = [
  ["DELETE", "/", 200, "OK"],
  ["GET", "/", 200, ""],
  ["GET", "/song/1", 200, "0"],
  ["GET", "/", 200, ""],
  ["POST", "/song/1", 200, "1"],
  ["POST", "/song/1", 200, "2"],
  ["GET", "/song/1", 200, "2"],
  ["POST", "/song/5", 200, "1"],
  ["GET", "/", 200, "1=2,5=1"],
  ["POST", "/", 405],
  ["DELETE", "/song/1", 405],
  ["GET", "/nothing", 404],
  ["GET", "/song/", 404],
  ["DELETE", "/", 200, "OK"],
  ["GET", "/song/1", 200, "0"],
  ["GET", "/", 200, ""],
];

/** @throws {Error} if the server answers the session in another way than the original did. */
export async function checkCounting(server: RunningServer): Promise<void> {
  for (const [method, path, status, body] of SESSION) {
    const answer = await sendRequest(server.url + path, method);
    // Songs are listed in any order.
    const isExpected =
      answer.status === status && (body === undefined || sorted(answer.body) === sorted(body));
    if (isExpected) continue;
    const [expected, actual] = [`${status} ${body ?? ""}`, `${answer.status} ${answer.body}`];
    throw new Error(`${server.name} answered ${method} ${path} with "${actual}" instead of "${expected}"`);
  }
}

/**
 * Compares the answers of playcount, when it counts to `count`, with those of a constant server.
 *
 * @throws {Error} if status, headers or body differ, to `POST` or to `GET`.
 */
export async function checkSameAnswers(
  playcount: RunningServer,
  constant: RunningServer,
  count: number,
): Promise<void> {
  await sendRequest(`${playcount.url}/`, "DELETE");
  await sendRequest(`${playcount.url}/song/1`, "POST", String(count - 1));
  for (const method of ["POST", "GET"]) {
    const [expected, actual] = [
      await sendRequest(`${playcount.url}/song/1`, method),
      await sendRequest(`${constant.url}/song/1`, method),
    ];
    if (describe(expected) === describe(actual)) continue;
    const difference = `expected ${describe(expected)}, received ${describe(actual)}`;
    throw new Error(`${constant.name} does not answer ${method} as ${playcount.name} does: ${difference}`);
  }
}

/** Formats an answer without its date. */
function describe({ status, headers, body }: Answer): string {
  const fields = Array.from(headers, ([name, value]) => `${name}: ${name === "date" ? "…" : value}`).sort();
  return JSON.stringify([status, fields, body]);
}

function sorted(mapping: string): string {
  return mapping.split(",").sort().join(",");
}

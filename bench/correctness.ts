import { type Answer, ask, type RunningServer } from "./server.ts";

/** Method, path, status wanted, and body wanted where it matters. */
type Step = readonly [method: string, path: string, status: number, body?: string];

/** What could be done with the original, from beginning to end. */
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

/** @throws {Error} if the server does not count as the original did. */
export async function checkCounting(server: RunningServer): Promise<void> {
  for (const [method, path, status, body] of SESSION) {
    const answer = await ask(server.url + path, method);
    // All songs come in any order.
    const isAsWanted =
      answer.status === status && (body === undefined || sorted(answer.body) === sorted(body));
    if (isAsWanted) continue;
    const wanted = `${status} ${JSON.stringify(body ?? "")}`;
    throw new Error(
      `${server.name} answered ${method} ${path} with ${answer.status} ${JSON.stringify(answer.body)}, not ${wanted}`,
    );
  }
}

/**
 * Lets `ours` count to `count`, and compares what it answers with what the ceiling does.
 *
 * @throws {Error} unless status, headers and body are the same, to `POST` and to `GET`.
 */
export async function checkSameAnswers(
  ours: RunningServer,
  ceiling: RunningServer,
  count: number,
): Promise<void> {
  await ask(`${ours.url}/`, "DELETE");
  await ask(`${ours.url}/song/1`, "POST", String(count - 1));
  for (const method of ["POST", "GET"]) {
    const [counted, constant] = [
      await ask(`${ours.url}/song/1`, method),
      await ask(`${ceiling.url}/song/1`, method),
    ];
    if (describe(counted) === describe(constant)) continue;
    throw new Error(
      `the ceiling does not answer ${method} as ours does\nours:    ${describe(counted)}\nceiling: ${describe(constant)}`,
    );
  }
}

/** All of an answer but the time of day. */
function describe({ status, headers, body }: Answer): string {
  headers.delete("fold"); // the ceiling has it in every answer, ours in those to POST
  const fields = Array.from(headers, ([name, value]) => `${name}: ${name === "date" ? "…" : value}`).sort();
  return JSON.stringify([status, fields, body]);
}

function sorted(mapping: string): string {
  return mapping.split(",").sort().join(",");
}

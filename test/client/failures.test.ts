import { afterEach, describe, expect, test } from "bun:test";
import { CountClient } from "../../src/client/client.ts";
import { failureOf } from "../support/failure.ts";
import { serve, serveBytes, serveNoMore, servePlaycount, stopAll } from "../support/servers.ts";
import { sumOf } from "../support/slices.ts";

afterEach(stopAll);

const CALLS: Readonly<Record<string, (client: CountClient) => Promise<unknown>>> = {
  getPlayCount: (client) => client.getPlayCount("42"),
  incrementPlayCount: (client) => client.incrementPlayCount("42"),
  getAllPlayCounts: (client) => client.getAllPlayCounts(),
  resetAllPlayCounts: (client) => client.resetAllPlayCounts(),
};

const TIMED_OUT = "no answer within 100 ms";

/** Servers on which every call fails, with the message and the status of the failure. */
const BAD_SERVERS: Readonly<Record<string, [() => string | Promise<string>, string, number?]>> = {
  "has stopped": [serveNoMore, "failed: "],
  "closes the connection without an answer": [() => serveBytes(""), "failed: "],
  "answers what is not HTTP": [() => serveBytes("220 mail.example ESMTP\r\n"), "failed: "],
  "answers nothing for too long": [() => serve(() => new Promise(() => {})), TIMED_OUT],
  "begins an answer and goes on with nothing": [
    () => serve(() => new Response(new ReadableStream({ start: (body) => body.enqueue(bytes("42=")) }))),
    TIMED_OUT,
  ],
  "is stopping": [
    () => serve(() => new Response("Service Unavailable\nStopping", { status: 503 })),
    "failed: 503 Service Unavailable: Stopping",
    503,
  ],
  "redirects, which would turn a play into a read": [
    () => serve(() => Response.redirect("/", 302)),
    "failed: 302",
    302,
  ],
};

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe.each(Object.entries(BAD_SERVERS))("of a server that %s", (_what, [start, message, status]) => {
  test.each(Object.entries(CALLS))("%s fails, and the failure names the server", async (_method, call) => {
    const server = await start();
    const timeoutMs = message === TIMED_OUT ? 100 : 60_000;
    const failure = await failureOf(call(new CountClient(server, { timeoutMs, retries: 0 })));
    expect(failure.message).toContain(server);
    expect(failure.message).toContain(message);
    expect(failure.message).not.toContain("\n");
    expect(failure.server).toBe(`${server}/`);
    expect(failure.status).toBe(status);
  });

  test("getAllPlayCounts does not return the counts of the other servers alone", async () => {
    const server = await start();
    // The other servers answer in this process: over a socket they might exceed the short timeout as well.
    const fetchOne = async (url: string, init: RequestInit) =>
      url.startsWith(server) ? await fetch(url, init) : new Response("1=1");
    const servers = ["http://a.example", server, "http://b.example"];
    const client = new CountClient(servers, { timeoutMs: 100, retries: 0, fetch: fetchOne });
    const failure = await failureOf(client.getAllPlayCounts());
    expect(failure.server).toBe(`${server}/`);
  });
});

test("The message has the beginning of a long path", async () => {
  const client = new CountClient(await serveNoMore(), { retries: 0 });
  const { message } = await failureOf(client.getPlayCount("x".repeat(400)));
  expect(message).toMatch(/^GET http:\/\/[^/]+\/song\/x{1,100}… failed: /);
});

const BROKEN_LISTINGS: Readonly<Record<string, string>> = {
  "ends after a chunk": "Transfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n",
  "ends within a chunk": "Transfer-Encoding: chunked\r\n\r\n7\r\na=1,b",
  "ends before its Content-Length": "Content-Length: 7\r\n\r\na=1",
  "is a page": "Content-Length: 15\r\n\r\n<html>Hi</html>",
  "has a count that is not a number": "Content-Length: 7\r\n\r\na=1,b=x",
  "has a count above 2^53 - 1": "Content-Length: 18\r\n\r\na=9007199254740992",
  "has an incomplete pair": "Content-Length: 5\r\n\r\na=1,b",
  "has an id with invalid percent-encoding": "Content-Length: 7\r\n\r\na=1,%=2",
};

test.each(Object.entries(BROKEN_LISTINGS))("a listing that %s is a failure", async (_what, answer) => {
  const server = await serveBytes(`HTTP/1.1 200 OK\r\n${answer}`);
  const failure = await failureOf(new CountClient([servePlaycount(), server]).getAllPlayCounts());
  expect(failure.server).toBe(`${server}/`);
  expect(failure.message).toContain(server);
});

test.each(["", "many", "-1", "1.5", "9007199254740992", "1\n"])(
  "a count of %j is a failure",
  async (answer) => {
    const client = new CountClient(serve(() => new Response(answer)));
    const failure = await failureOf(client.getPlayCount("42"));
    expect(failure.message).toContain(`is ${JSON.stringify(answer)}, not a count`);
  },
);

test("a count of 0 after a play is a failure, and the play may be counted", async () => {
  const server = serve(() => new Response("0"));
  const failure = await failureOf(new CountClient(server).incrementPlayCount("42"));
  expect(failure.message).toBe(`The answer of ${server}/ to a play is 0`);
  expect(failure).toMatchObject({ status: 200, mayBeDone: true });
});

/** Answers of a captive portal to any request. */
const PORTALS: Readonly<Record<string, () => Response>> = {
  "is empty, and has no type": () => new Response(null),
  "is an empty page": () => new Response("", { headers: { "content-type": "text/html" } }),
  "has no content": () => new Response(null, { status: 204 }),
  "is a page": () => new Response("<html>Log in</html>", { headers: { "content-type": "text/html" } }),
};

/** Calls of all methods, each of which needs an answer of a play counter. */
const ALL_CALLS: typeof CALLS = {
  ...CALLS,
  getTopPlayCounts: (client) => client.getTopPlayCounts(5),
  addPlays: (client) => client.addPlays(new Map([["42", 1]])),
  fold: (client) => client.fold(1, () => expect.unreachable()),
};

describe.each(Object.entries(PORTALS))("of a success that %s", (_what, answer) => {
  test.each(Object.entries(ALL_CALLS))("%s fails", async (_method, call) => {
    await failureOf(call(new CountClient(serve(answer))));
  });
});

test("a fold is not acknowledged by an empty answer", async () => {
  const server = serve(({ method }) => new Response(method === "PUT" ? "1=1" : ""));
  const failure = await failureOf(new CountClient(server).fold(1, sumOf));
  expect(failure.message).toBe(`The answer of ${server}/ is "", not OK`);
});

test("a refusal states its reason: no room for a new song", async () => {
  const client = new CountClient(servePlaycount({ maxSongs: 1 }));
  await client.incrementPlayCount("first");
  const failure = await failureOf(client.incrementPlayCount("second"));
  expect(failure.message).toEndWith("failed: 507 No room for a new song: The limit of 1 song is reached");
  expect(failure.status).toBe(507);
  expect([failure.type, failure.members]).toEqual(["StoreFull", { maxSongs: 1 }]);
  expect(await client.incrementPlayCount("first")).toBe(2);
});

test.each<[string, string, string, string | undefined, object]>([
  ["is text", "text/plain", "Conflict\nno", undefined, {}],
  ["is not JSON", "application/problem+json", "{", undefined, {}],
  ["is not an object", "application/problem+json", "1", undefined, {}],
  ["has no type", "application/problem+json", '{"status":409,"plays":1}', undefined, {}],
  ["is an array", "application/problem+json", "[1,2]", undefined, {}],
  [
    "has a type that is not a text",
    "application/problem+json",
    '{"type":{"toString":1},"plays":1}',
    undefined,
    {},
  ],
  [
    "has members that are not numbers",
    "application/problem+json",
    '{"type":"/openapi.json#/components/schemas/StaleKey","seq":3,"newestSeq":"x","instance":"/y"}',
    "StaleKey",
    { seq: 3 },
  ],
  [
    "belongs to another program",
    "application/problem+json",
    '{"type":"https://x.test/#/StaleKey"}',
    undefined,
    {},
  ],
  [
    "belongs to a play counter below a base path",
    "application/problem+json; charset=utf-8",
    '{"type":"/p/openapi.json#/components/schemas/CountOverflow","title":"T","detail":"D","count":5,"plays":1}',
    "CountOverflow",
    { count: 5, plays: 1 },
  ],
])("a failure has the type and the members of a problem that %s", async (...row) => {
  const [, contentType, body, type, members] = row;
  const server = serve(() => new Response(body, { status: 409, headers: { "content-type": contentType } }));
  const failure = await failureOf(new CountClient(server, { retries: 0 }).getPlayCount("1"));
  expect(failure).toMatchObject({ status: 409, type });
  expect(failure.members).toEqual(members as Record<string, number>);
});

test("with one of three servers down, a reset fails and names it, and clears the others", async () => {
  const servers = [servePlaycount(), servePlaycount()];
  for (const server of servers) await new CountClient(server).incrementPlayCount("1");
  const down = await serveNoMore();
  const failure = await failureOf(new CountClient([...servers, down]).resetAllPlayCounts());
  expect(failure.server).toBe(`${down}/`);
  expect(await new CountClient(servers).getAllPlayCounts()).toEqual(new Map());
});

test("with one of three servers down, the songs of the others are counted", async () => {
  const servers = [servePlaycount(), servePlaycount(), await serveNoMore()];
  const client = new CountClient(servers);
  const ids = Array.from({ length: 60 }, (_, n) => String(n));
  const results = await Promise.allSettled(ids.map((id) => client.incrementPlayCount(id)));
  const failed = ids.filter((_, n) => results[n]?.status === "rejected");
  expect(failed).toEqual(ids.filter((id) => client.serverOf(id) === `${servers[2]}/`));
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.length).toBeLessThan(ids.length);
});

import { afterEach, describe, expect, test } from "bun:test";
import { CountClient } from "../../src/client/client.ts";
import { failureOf } from "../support/failure.ts";
import { serve, serveBytes, serveNoMore, servePlaycount, stopAll } from "../support/servers.ts";

afterEach(stopAll);

const CALLS: Readonly<Record<string, (client: CountClient) => Promise<unknown>>> = {
  getPlayCount: (client) => client.getPlayCount("42"),
  incrementPlayCount: (client) => client.incrementPlayCount("42"),
  getAllPlayCounts: (client) => client.getAllPlayCounts(),
  resetAllPlayCounts: (client) => client.resetAllPlayCounts(),
};

/** Servers that give none of the calls what it wants, with what the failure says, and the status it carries. */
const BAD_SERVERS: Readonly<Record<string, [() => string | Promise<string>, string, number?]>> = {
  "has stopped": [serveNoMore, "failed: "],
  "closes the connection without an answer": [() => serveBytes(""), "failed: "],
  "answers what is not HTTP": [() => serveBytes("220 mail.example ESMTP\r\n"), "failed: "],
  "answers nothing for too long": [() => serve(() => new Promise(() => {})), "no answer within 100 ms"],
  "begins an answer and goes on with nothing": [
    () => serve(() => new Response(new ReadableStream({ start: (body) => body.enqueue(bytes("42=")) }))),
    "no answer within 100 ms",
  ],
  "is stopping": [
    () => serve(() => new Response("Service Unavailable\nStopping", { status: 503 })),
    "failed: 503 Service Unavailable: Stopping",
    503,
  ],
  "redirects, which would turn a play into a look": [
    () => serve(() => Response.redirect("/", 302)),
    "failed: 302",
    302,
  ],
};

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe.each(Object.entries(BAD_SERVERS))("of a server that %s", (_what, [start, message, status]) => {
  test.each(Object.entries(CALLS))("%s fails, and names it", async (_method, call) => {
    const server = await start();
    const failure = await failureOf(call(new CountClient(server, { timeoutMs: 100, retries: 0 })));
    expect(failure.message).toContain(server);
    expect(failure.message).toContain(message);
    expect(failure.message).not.toContain("\n");
    expect(failure.server).toBe(`${server}/`);
    expect(failure.status).toBe(status);
  });

  test("all counts are not those of the servers that are well", async () => {
    const server = await start();
    const servers = [servePlaycount(), server, servePlaycount()];
    const failure = await failureOf(
      new CountClient(servers, { timeoutMs: 100, retries: 0 }).getAllPlayCounts(),
    );
    expect(failure.server).toBe(`${server}/`);
  });
});

const BROKEN_LISTINGS: Readonly<Record<string, string>> = {
  "breaks off behind a chunk": "Transfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n",
  "breaks off within a chunk": "Transfer-Encoding: chunked\r\n\r\n7\r\na=1,b",
  "breaks off before the length it said": "Content-Length: 7\r\n\r\na=1",
  "is not one: a page": "Content-Length: 15\r\n\r\n<html>Hi</html>",
  "is not one: a count that is no number": "Content-Length: 7\r\n\r\na=1,b=x",
  "is not one: a count past 2^53 - 1": "Content-Length: 18\r\n\r\na=9007199254740992",
  "is not one: a pair that is cut short": "Content-Length: 5\r\n\r\na=1,b",
  "is not one: an id in broken percent-encoding": "Content-Length: 7\r\n\r\na=1,%=2",
};

test.each(Object.entries(BROKEN_LISTINGS))("a listing that %s is a failure", async (_what, answer) => {
  const server = await serveBytes(`HTTP/1.1 200 OK\r\n${answer}`);
  const failure = await failureOf(new CountClient([servePlaycount(), server]).getAllPlayCounts());
  expect(failure.server).toBe(`${server}/`);
  expect(failure.message).toContain(server);
});

test.each(["", "many", "-1", "1.5", "9007199254740992", "1\n"])(
  "a count that a server says is %j is a failure",
  async (answer) => {
    const client = new CountClient(serve(() => new Response(answer)));
    const failure = await failureOf(client.getPlayCount("42"));
    expect(failure.message).toContain(`did not answer a count: ${JSON.stringify(answer)}`);
  },
);

test("a refusal says why: no room for a new song", async () => {
  const client = new CountClient(servePlaycount({ maxSongs: 1 }));
  await client.incrementPlayCount("first");
  const failure = await failureOf(client.incrementPlayCount("second"));
  expect(failure.message).toEndWith("failed: 507 No room for a new song: There is room for 1 songs");
  expect(failure.status).toBe(507);
  expect([failure.type, failure.members]).toEqual(["StoreFull", { maxSongs: 1 }]);
  expect(await client.incrementPlayCount("first")).toBe(2);
});

test.each<[string, string, string, string | undefined, object]>([
  ["is text", "text/plain", "Conflict\nno", undefined, {}],
  ["is no JSON", "application/problem+json", "{", undefined, {}],
  ["is no object", "application/problem+json", "1", undefined, {}],
  ["has no type", "application/problem+json", '{"status":409,"plays":1}', undefined, { plays: 1 }],
  [
    "is of another program",
    "application/problem+json",
    '{"type":"https://x.test/#/StaleKey"}',
    undefined,
    {},
  ],
  [
    "is a play counter's, below a base path",
    "application/problem+json; charset=utf-8",
    '{"type":"/p/openapi.json#/components/schemas/CountOverflow","title":"T","detail":"D","count":5,"plays":1}',
    "CountOverflow",
    { count: 5, plays: 1 },
  ],
])("of a problem that %s, type and members are known as far as it has them", async (...of) => {
  const [, contentType, body, type, members] = of;
  const server = serve(() => new Response(body, { status: 409, headers: { "content-type": contentType } }));
  const failure = await failureOf(new CountClient(server, { retries: 0 }).getPlayCount("1"));
  expect(failure).toMatchObject({ status: 409, type, members });
});

test("of three servers one is down: reset fails and names it, the others are cleared", async () => {
  const servers = [servePlaycount(), servePlaycount()];
  for (const server of servers) await new CountClient(server).incrementPlayCount("1");
  const down = await serveNoMore();
  const failure = await failureOf(new CountClient([...servers, down]).resetAllPlayCounts());
  expect(failure.server).toBe(`${down}/`);
  expect(await new CountClient(servers).getAllPlayCounts()).toEqual(new Map());
});

test("of three servers one is down: songs of the others go on being counted", async () => {
  const servers = [servePlaycount(), servePlaycount(), await serveNoMore()];
  const client = new CountClient(servers);
  const ids = Array.from({ length: 60 }, (_, n) => String(n));
  const results = await Promise.allSettled(ids.map((id) => client.incrementPlayCount(id)));
  const failed = ids.filter((_, n) => results[n]?.status === "rejected");
  expect(failed).toEqual(ids.filter((id) => client.serverOf(id) === `${servers[2]}/`));
  expect(failed.length).toBeGreaterThan(0);
  expect(failed.length).toBeLessThan(ids.length);
});

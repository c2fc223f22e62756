import { afterEach, describe, expect, test } from "bun:test";
import { CountClient } from "../../src/client/client.ts";
import { failureOf } from "../support/failure.ts";
import { serve, serveBytes, serveNoMore, servePlaycount, stopAll } from "../support/servers.ts";

afterEach(stopAll);

const WRITES: Readonly<Record<string, (client: CountClient) => Promise<unknown>>> = {
  incrementPlayCount: (client) => client.incrementPlayCount("1"),
  addPlays: (client) => client.addPlays(new Map([["1", 1]])),
  fold: (client) => client.fold(1, () => {}),
  resetAllPlayCounts: (client) => client.resetAllPlayCounts(),
};

const READS: Readonly<Record<string, (client: CountClient) => Promise<unknown>>> = {
  getPlayCount: (client) => client.getPlayCount("1"),
  getAllPlayCounts: (client) => client.getAllPlayCounts(),
  getTopPlayCounts: (client) => client.getTopPlayCounts(1),
};

/** Statuses without a problem, and whether the request may have been carried out then. */
const BARE: readonly (readonly [number, boolean])[] = [
  ...[302, 400, 408, 499, 500, 501, 502, 503, 504, 507, 520, 524, 530, 599].map((n) => [n, true] as const),
  ...[401, 403, 404, 405, 409, 413, 414, 429, 431].map((n) => [n, false] as const),
];

/** Statuses with a problem. */
const PROBLEMS: readonly (readonly [number, boolean])[] = [
  ...[408, 500, 502, 504, 524].map((n) => [n, true] as const),
  ...[400, 401, 404, 409, 413, 415, 422, 429, 501, 503, 507].map((n) => [n, false] as const),
];

const answering = (status: number, isProblem: boolean) =>
  serve(() => {
    const type = isProblem ? "application/problem+json" : "text/plain";
    return new Response(`{"title":"No","status":${status}}`, { status, headers: { "content-type": type } });
  });

const OPTIONS = { retries: 0, timeoutMs: 60_000 };

/** Options for servers of which one gives no answer. */
const HASTY = { ...OPTIONS, timeoutMs: 300 };

describe.each(Object.entries(WRITES))("A failed %s", (_, call) => {
  test.each(BARE)("that is answered %i without a problem may be done: %p", async (status, mayBeDone) => {
    const failure = await failureOf(call(new CountClient(answering(status, false), OPTIONS)));
    expect(failure).toMatchObject({ status, mayBeDone });
    expect(failure.message).toEndWith("; check the address, and HTTP_PROXY if it is set");
  });

  test.each(PROBLEMS)("that is answered %i with a problem may be done: %p", async (status, mayBeDone) => {
    const failure = await failureOf(call(new CountClient(answering(status, true), OPTIONS)));
    expect(failure).toMatchObject({ status, mayBeDone });
    expect(failure.message).toEndWith(`failed: ${status} No`);
  });

  test("may not be done if its connection was refused, or its server has no address", async () => {
    for (const server of [await serveNoMore(), "http://no-such-host.invalid"]) {
      const failure = await failureOf(call(new CountClient(server, OPTIONS)));
      expect(failure).toMatchObject({ status: undefined, mayBeDone: false });
      expect(failure.message).toEndWith("; check the address, and HTTP_PROXY if it is set");
    }
  });

  test("may be done if no answer came, or one that is wrong", async () => {
    const servers = [
      await serveBytes(""),
      serve(() => new Promise(() => {})),
      serve(() => new Response("<html>")),
    ];
    for (const server of servers) {
      const failure = await failureOf(call(new CountClient(server, HASTY)));
      expect(failure.mayBeDone).toBe(true);
    }
  });

  test("may be done if an earlier attempt may be", async () => {
    let asked = 0;
    const url = serve(() => new Response("", { status: asked++ === 0 ? 504 : 429 }));
    const failure = await failureOf(call(new CountClient(url, { retries: 1 })));
    expect(failure.mayBeDone).toBe(true);
  });
});

test.each(Object.entries(READS))("A failed %s is never done", async (_, call) => {
  const servers = [
    await serveNoMore(),
    await serveBytes(""),
    serve(() => new Promise(() => {})),
    serve(() => new Response("<html>")),
    answering(400, false),
    answering(500, true),
    answering(504, false),
  ];
  for (const server of servers)
    expect(await failureOf(call(new CountClient(server, HASTY)))).toMatchObject({ mayBeDone: false });
});

test.each([408, 429, 500, 502, 503, 504, 520, 524, 530])(
  "A request is sent again after %i",
  async (status) => {
    let asked = 0;
    const url = serve(() => (asked++ === 0 ? new Response("", { status }) : new Response("1")));
    expect(await new CountClient(url).getPlayCount("1")).toBe(1);
  },
);

test.each([200, 302, 400, 404, 409, 501, 507])("A request is not sent again after %i", async (status) => {
  let asked = 0;
  const url = serve(() => new Response(`${++asked} times`, { status }));
  await failureOf(new CountClient(url).getPlayCount("1"));
  expect(asked).toBe(1);
});

test("A batch that something else has refused with 400 is not sent again song by song", async () => {
  const backend = servePlaycount();
  let asked = 0;
  const url = serve(async (request) => {
    await fetch(backend + new URL(request.url).pathname, { method: "POST", body: await request.text() });
    return asked++ === 0 ? new Response("", { status: 400 }) : new Response("1");
  });
  const client = new CountClient(url);
  const plays = await Promise.allSettled(["a", "b"].map((id) => client.incrementPlayCount(id)));
  expect(plays.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await new CountClient(backend).getAllPlayCounts()).toEqual(
    new Map([
      ["a", 1],
      ["b", 1],
    ]),
  );
});

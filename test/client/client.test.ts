import { afterEach, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { CountClient } from "../../src/client/client.ts";
import { serve, servePlaycount, stopAll } from "../support/servers.ts";

afterEach(stopAll);

/** Ids that a URL or the text syntax could misinterpret. */
const ODD_IDS = [
  "a/b",
  "a//b/",
  "/",
  "ä",
  "%",
  "%41",
  "%2F",
  "a b",
  "a+b",
  "🎵",
  "?",
  "#x",
  "a=b,c",
  "...",
  "__proto__",
  "\\",
  "a\nb",
  "\u0001",
  "é".normalize("NFD"),
  "x".repeat(512),
];

/** Ids that cannot be the last segment of a URL, or are not text. */
const IMPOSSIBLE_IDS = ["", ".", "..", "\ud83c", "a\udfb5b"];

describe.each([
  ["one server", [{}]],
  ["three servers", [{}, {}, {}]],
  ["a server under a path of its own", [{ basePath: "/plays" }]],
])("with %s", (_what, options) => {
  function connect(): CountClient {
    return new CountClient(
      options.map((option) => servePlaycount(option) + ("basePath" in option ? "/plays" : "")),
    );
  }

  test("a play is counted, and is in the count of the song and in all counts", async () => {
    const client = connect();
    expect(await client.getPlayCount("42")).toBe(0);
    expect(await client.incrementPlayCount("42")).toBe(1);
    expect(await client.incrementPlayCount("42")).toBe(2);
    expect(await client.incrementPlayCount("43")).toBe(1);
    expect(await client.getPlayCount("42")).toBe(2);
    expect(Object.fromEntries(await client.getAllPlayCounts())).toEqual({ "42": 2, "43": 1 });
  });

  test("there are no songs before the first play, even after a read of a song", async () => {
    const client = connect();
    await client.getPlayCount("42");
    expect(await client.getAllPlayCounts()).toEqual(new Map());
  });

  test("reset clears everything", async () => {
    const client = connect();
    await Promise.all(["1", "2", "3", "4", "5", "6", "7"].map((id) => client.incrementPlayCount(id)));
    await client.resetAllPlayCounts();
    expect(await client.getAllPlayCounts()).toEqual(new Map());
    expect(await client.getPlayCount("1")).toBe(0);
  });

  test("any text is an id, and is returned unchanged", async () => {
    const client = connect();
    for (const id of ODD_IDS) expect(await client.incrementPlayCount(id)).toBe(1);
    for (const id of ODD_IDS) expect(await client.getPlayCount(id)).toBe(1);
    const all = await client.getAllPlayCounts();
    expect([...all.keys()].sort()).toEqual(ODD_IDS.toSorted());
    expect([...all.values()]).toEqual(ODD_IDS.map(() => 1));
  });

  test("an id that cannot be part of a path is a TypeError, and nothing is counted", async () => {
    const client = connect();
    for (const id of IMPOSSIBLE_IDS) {
      await expect(client.incrementPlayCount(id)).rejects.toThrow(TypeError);
      await expect(client.getPlayCount(id)).rejects.toThrow(
        `The id ${JSON.stringify(id)} cannot be part of a path`,
      );
    }
    expect(await client.getAllPlayCounts()).toEqual(new Map());
  });
});

test("another resource than songs is counted if the servers have it too", async () => {
  const client = new CountClient(servePlaycount({ resource: "video" }), { resource: "video" });
  expect(await client.incrementPlayCount("42")).toBe(1);
  expect(await client.getPlayCount("42")).toBe(1);
});

test("requests for a song go to its server only", async () => {
  const asked: string[] = [];
  const servers = ["one", "two", "three"].map((name) =>
    serve((request) => {
      asked.push(`${name} ${request.method} ${new URL(request.url).pathname}`);
      return new Response("7");
    }),
  );
  const client = new CountClient(servers);
  const name = ["one", "two", "three"][servers.indexOf(client.serverOf("42").slice(0, -1))];
  expect(await client.incrementPlayCount("42")).toBe(7);
  expect(await client.getPlayCount("42")).toBe(7);
  expect(asked).toEqual([`${name} POST /song/42`, `${name} GET /song/42`]);
});

test("the plays of a song on two servers are summed", async () => {
  const servers = [servePlaycount(), servePlaycount()];
  for (const server of servers) await new CountClient(server).incrementPlayCount("moved");
  expect(await new CountClient(servers).getAllPlayCounts()).toEqual(new Map([["moved", 2]]));
});

test.each(["getAllPlayCounts", "resetAllPlayCounts"] as const)(
  "%s asks all servers side by side: none answers before all are asked",
  async (method) => {
    const all = Promise.withResolvers<void>();
    let asked = 0;
    const servers = Array.from({ length: 4 }, () =>
      serve(async () => {
        asked++;
        if (asked === 4) all.resolve();
        await all.promise;
        return new Response(method === "getAllPlayCounts" ? "42=1" : "OK");
      }),
    );
    await new CountClient(servers)[method]();
    expect(asked).toBe(4);
  },
);

test("the `fetch` option replaces the global fetch", async () => {
  const asked: string[] = [];
  const client = new CountClient("http://counts.example/plays", {
    fetch: (url, { method }) => {
      asked.push(`${method} ${url}`);
      return Promise.resolve(new Response("3"));
    },
  });
  expect(await client.incrementPlayCount("a/b")).toBe(3);
  expect(asked).toEqual(["POST http://counts.example/plays/song/a%2Fb"]);
});

test("requests in a row share connections, whatever was read of their answers", async () => {
  let connections = 0;
  const listing = Array.from({ length: 20_000 }, (_, n) => `song-${n}=1`).join(",");
  const server = createServer(({ url }, answer) => answer.end(url === "/" ? listing : "7"));
  server.on("connection", () => connections++);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const client = new CountClient(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  for (let round = 0; round < 20; round++) {
    expect(await client.getPlayCount("1")).toBe(7);
    expect(await client.incrementPlayCount("1")).toBe(7);
    expect((await client.getAllPlayCounts()).size).toBe(20_000);
  }
  server.closeAllConnections();
  server.close();
  expect(connections).toBeLessThan(5);
});

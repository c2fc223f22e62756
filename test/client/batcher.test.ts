import { afterEach, describe, expect, test } from "bun:test";
import { CountClient, CountServerError } from "../../src/client/client.ts";
import { serve, servePlaycount, stopAll } from "../support/servers.ts";
import { serveUnreliably } from "../support/unreliable.ts";

afterEach(stopAll);

const IDS = Array.from({ length: 100 }, (_, n) => `song ${n % 40}/ä`);

describe("Plays of one turn of the event loop", () => {
  test("go to each server in one request, and each gets its own count", async () => {
    const servers = [servePlaycount(), servePlaycount()].map((backend) =>
      serveUnreliably(backend, () => "succeed"),
    );
    const client = new CountClient(servers.map(({ url }) => url));
    const counts = await Promise.all(IDS.map((id) => client.incrementPlayCount(id)));
    expect(counts).toEqual(IDS.map((_, n) => Math.floor(n / 40) + 1));
    expect(servers.flatMap(({ seen }) => seen.map(({ asked }) => asked))).toEqual([
      "POST /batch",
      "POST /batch",
    ]);
    expect(await client.incrementPlayCount("song 0/ä")).toBe(4);
  });

  test("include those of its promise callbacks", async () => {
    const { url, seen } = serveUnreliably(servePlaycount(), () => "succeed");
    const client = new CountClient(url);
    const play = async (id: string, waits: number) => {
      for (let n = 0; n < waits; n++) await null;
      return await client.incrementPlayCount(id);
    };
    expect(await Promise.all([0, 1, 5, 20].map((waits) => play("a", waits)))).toEqual([1, 2, 3, 4]);
    expect(await play("a", 0)).toBe(5);
    expect(await Promise.all([play("a", 0), play("b", 0)])).toEqual([6, 1]);
    expect(seen.map(({ asked, body }) => `${asked} ${body}`)).toEqual([
      "POST /batch a=4",
      "POST /song/a ",
      "POST /batch a=1,b=1",
    ]);
  });

  test("of many songs are sent in requests of 10,000 songs", async () => {
    const { url, seen } = serveUnreliably(servePlaycount(), () => "succeed");
    const plays = new Map(Array.from({ length: 20_001 }, (_, n) => [`song-${n}`, n + 1]));
    expect(await new CountClient(url, { timeoutMs: 60_000 }).addPlays(plays)).toEqual(plays);
    expect(seen.map(({ body }) => body.split(",").length).sort()).toEqual([1, 10_000, 10_000]);
  });

  test("are sent in several requests if they are very many", async () => {
    const { url, seen } = serveUnreliably(servePlaycount(), () => "succeed");
    const client = new CountClient(url);
    const counts = await Promise.all(Array.from({ length: 25_000 }, () => client.incrementPlayCount("a")));
    expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 25_000 }, (_, n) => n + 1));
    expect(seen.map(({ body }) => body).sort()).toEqual(["a=10000", "a=10000", "a=5000"]);
  });
});

describe("Of the plays of one batch", () => {
  test("only those of a refused song fail, and the others are counted", async () => {
    const client = new CountClient(servePlaycount({ maxSongs: 2 }));
    await client.incrementPlayCount("a");
    const plays = await Promise.allSettled(["a", "b", "c", "a"].map((id) => client.incrementPlayCount(id)));
    const values = plays.map((play) =>
      play.status === "fulfilled" ? play.value : (play.reason as CountServerError).status,
    );
    expect(values.sort()).toEqual([1, 2, 3, 507]);
    expect(await client.getPlayCount("a")).toBe(3);
  });

  test.each([
    [{ token: "all" }, {}],
    [{ token: "all", playToken: "plays" }, { token: "plays" }],
  ])(
    "those of a client that may not send batches are sent one by one: %j",
    async (options, clientOptions) => {
      const { url, seen } = serveUnreliably(servePlaycount(options), () => "succeed");
      const client = new CountClient(url, clientOptions);
      for (const expected of [
        [1, 1, 2],
        [2, 3, 4],
      ]) {
        const counts = await Promise.all(["a", "b", "a"].map((id) => client.incrementPlayCount(id)));
        expect(counts.sort()).toEqual(expected);
      }
      expect(seen.filter(({ asked }) => asked === "POST /batch").length).toBe(1); // it is not repeated
    },
  );

  test("an aborted one rejects at once, and is not counted if it was not sent", async () => {
    const { url, seen } = serveUnreliably(servePlaycount(), () => "succeed");
    const client = new CountClient(url);
    const controller = new AbortController();
    const { signal } = controller;
    const plays = [
      client.incrementPlayCount("a"),
      client.incrementPlayCount("b", { signal }),
      client.incrementPlayCount("c"),
    ];
    controller.abort("bored");
    const settled = await Promise.allSettled(plays);
    expect(settled.map((play) => (play.status === "fulfilled" ? play.value : play.reason))).toEqual([
      1,
      "bored",
      1,
    ]);
    expect(seen.map(({ body }) => body)).toEqual(["a=1,c=1"]);
  });

  test("all aborted ones abort the request", async () => {
    const [arrived, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const url = serve((request) => {
      arrived.resolve();
      request.signal.addEventListener("abort", () => gone.resolve());
      return new Promise(() => {});
    });
    const client = new CountClient(url);
    const controllers = [new AbortController(), new AbortController()];
    const plays = controllers.map(({ signal }) => client.incrementPlayCount("a", { signal }));
    await arrived.promise;
    for (const [at, controller] of controllers.entries()) controller.abort(`bored ${at}`);
    const settled = await Promise.allSettled(plays);
    expect(settled.map((play) => play.status === "rejected" && play.reason)).toEqual(["bored 0", "bored 1"]);
    await gone.promise;
  });

  test("none is sent again alone when the server is overloaded", async () => {
    const { url, seen } = serveUnreliably(servePlaycount(), () => 429);
    const client = new CountClient(url, { retries: 0 });
    const plays = await Promise.allSettled(["a", "b", "c"].map((id) => client.incrementPlayCount(id)));
    expect(plays.every(({ status }) => status === "rejected")).toBe(true);
    expect(seen).toHaveLength(1);
  });

  test.each([
    ["a", "a"],
    ["a", "b"],
  ])("none is taken for counted if the answer lacks one: %s and %s", async (first, second) => {
    const server = serve(() => new Response("a=1"));
    const client = new CountClient(server);
    const plays = await Promise.allSettled([first, second].map((id) => client.incrementPlayCount(id)));
    const message = `The answer of ${server}/ lacks plays of "${second}"`;
    const reason = expect.objectContaining({ message, status: 200, mayBeDone: true });
    expect(plays).toEqual([
      { status: "rejected", reason },
      { status: "rejected", reason },
    ]);
  });
});

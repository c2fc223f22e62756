import { afterEach, describe, expect, test } from "bun:test";
import { CountClient, CountServerError } from "../../src/client/client.ts";
import { sumOf } from "../support/slices.ts";
import { serve, servePlaycount, serveNoMore, stopAll } from "../support/servers.ts";

afterEach(stopAll);

const songs = Array.from({ length: 60 }, (_, n): [string, number] => [`song ${n}/ä`, n + 1]);

describe("addPlays", () => {
  test("adds each song on its server, and returns the new counts", async () => {
    const servers = [servePlaycount(), servePlaycount(), servePlaycount()];
    const client = new CountClient(servers);
    await client.incrementPlayCount("song 3/ä");
    const counts = await client.addPlays(new Map(songs));
    expect([...counts].sort()).toEqual(
      songs.map(([id, n]): [string, number] => [id, n + Number(n === 4)]).sort(),
    );
    for (const [id, plays] of counts) expect(await client.getPlayCount(id)).toBe(plays);
    for (const server of servers)
      expect((await (await fetch(server)).text()).split(",").length).toBeWithin(5, 40);
  });

  test("without songs sends no request", async () => {
    expect(await new CountClient(await serveNoMore()).addPlays(new Map())).toEqual(new Map());
  });

  test("rejects if a server fails, and sends nothing if an id is invalid", async () => {
    const good = servePlaycount();
    const client = new CountClient([good, await serveNoMore()]);
    const failure = await client.addPlays(new Map(songs)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CountServerError);
    await client.resetAllPlayCounts().catch(() => {});
    const bad = new Map([
      ["a", 1],
      ["..", 1],
    ]);
    await expect(client.addPlays(bad)).rejects.toThrow(TypeError);
    expect(await (await fetch(good)).text()).toBe("");
  });
});

test.each(["", "a=0,b=2", "b=2"])("addPlays rejects an answer that lacks plays: %j", async (answer) => {
  const client = new CountClient(serve(() => new Response(answer)));
  const plays = new Map([
    ["a", 1],
    ["b", 2],
  ]);
  const failure = await client.addPlays(plays).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(CountServerError);
  expect(failure).toMatchObject({ mayBeDone: true });
});

describe("fold", () => {
  test("saves the sum of all servers once, and then acknowledges it", async () => {
    const servers = [servePlaycount(), servePlaycount()];
    const client = new CountClient(servers);
    await client.addPlays(new Map(songs));
    const saved: [number, Map<string, number>][] = [];
    await client.fold(5, async (slices, fold) => saved.push([fold, await sumOf(slices)]));
    expect(saved.map(([fold]) => fold)).toEqual([5]);
    expect([...(saved[0]?.[1] ?? [])].sort()).toEqual(songs.toSorted());
    expect(await client.getAllPlayCounts()).toEqual(new Map());
    for (const server of servers) expect(await (await fetch(`${server}/folds`)).text()).toBe("");
  });

  test("that failed at any point passes the same plays to save when it is called again, even after further plays", async () => {
    const failing = { "PUT /folds/5": 1, "DELETE /folds/5": 1 } as Record<string, number>;
    const backend = servePlaycount();
    const unreliable = serve(async (request) => {
      const { pathname } = new URL(request.url);
      const answer = await fetch(backend + pathname, {
        method: request.method,
        body: (await request.text()) || null,
      });
      const left = failing[`${request.method} ${pathname}`] ?? 0;
      failing[`${request.method} ${pathname}`] = left - 1;
      return left > 0 ? new Response("lost", { status: 502 }) : answer; // carried out, but the answer is lost
    });
    const client = new CountClient([servePlaycount(), unreliable], { retries: 0 });
    await client.addPlays(new Map(songs));
    const saved: string[] = [];
    let isDown = true;
    const save = async (slices: AsyncIterable<ReadonlyMap<string, number>>) => {
      saved.push(JSON.stringify([...(await sumOf(slices))].sort()));
      if (isDown) throw new Error("the database is down");
    };
    await expect(client.fold(5, save)).rejects.toThrow(CountServerError); // the answer to PUT is lost
    await client.incrementPlayCount("late").catch(() => {});
    expect(await client.fold(5, save).catch((error: Error) => error.message)).toBe("the database is down");
    isDown = false;
    expect(await client.fold(5, save).catch((error: unknown) => error)).toBeInstanceOf(CountServerError);
    await client.fold(5, save);
    expect(new Set(saved).size).toBe(1);
    expect(saved).toHaveLength(3);
    expect(saved[0]).toBe(JSON.stringify(songs.toSorted()));
    expect(await client.getAllPlayCounts()).toEqual(new Map([["late", 1]]));
  });
});

test("A token is sent with every request", async () => {
  const url = servePlaycount({ token: "a-token" });
  await expect(new CountClient(url).fold(1, sumOf)).rejects.toThrow("401");
  const client = new CountClient(url, { token: "a-token" });
  await client.addPlays(new Map([["a", 2]]));
  expect(await client.incrementPlayCount("a")).toBe(3);
  await client.fold(1, sumOf);
  await client.resetAllPlayCounts();
  expect(() => new CountClient(url, { token: "no token" })).toThrow(RangeError);
});

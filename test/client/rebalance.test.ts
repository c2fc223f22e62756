import { afterEach, describe, expect, test } from "bun:test";
import { CountClient } from "../../src/client/client.ts";
import { Random } from "../support/random.ts";
import { sumOf } from "../support/slices.ts";
import { serveNoMore, servePlaycount, stopAll } from "../support/servers.ts";
import { serveUnreliably, Unreliability } from "../support/unreliable.ts";

afterEach(stopAll);

const SONGS = new Map(Array.from({ length: 500 }, (_, n): [string, number] => [`song ${n}/ä`, n + 1]));
const PLAYS = (500 * 501) / 2;

/** Asserts that each song is on the server that the list places it on, and only there. */
async function expectPlaced(servers: readonly string[], songs: Map<string, number>): Promise<void> {
  const client = new CountClient(servers);
  expect(await client.getAllPlayCounts()).toEqual(songs);
  for (const server of servers) {
    for (const id of (await new CountClient(server).getAllPlayCounts()).keys())
      expect(client.serverOf(id)).toBe(`${server}/`);
  }
}

describe("rebalance", () => {
  test("moves songs to where a longer list places them, and to where a shorter one does", async () => {
    const servers = [servePlaycount(), servePlaycount(), servePlaycount()];
    const two = servers.slice(0, 2);
    await new CountClient(two).addPlays(SONGS);
    expect(await CountClient.rebalance(two, servers, 1)).toBe(PLAYS);
    await expectPlaced(servers, SONGS);
    expect(await CountClient.rebalance(servers, two, 2)).toBe(PLAYS);
    await expectPlaced(two, SONGS);
    expect(await new CountClient(servers[2] as string).getAllPlayCounts()).toEqual(new Map());
  });

  test("loses and doubles nothing if it is called again after failures anywhere", async () => {
    const unreliability = new Unreliability(new Random("rebalance"), 0.85);
    const servers = [1, 2, 3].map(() => serveUnreliably(servePlaycount(), unreliability.fate).url);
    const two = servers.slice(0, 2);
    let failures = 0;
    let folds = 0;
    while (failures < 20) {
      folds++;
      unreliability.isOn = false;
      await new CountClient(two).addPlays(SONGS);
      unreliability.isOn = true;
      const move = () => CountClient.rebalance(two, servers, folds, { retries: 0 }).catch(() => "failed");
      while ((await move()) === "failed") failures++;
    }
    unreliability.isOn = false;
    await expectPlaced(servers, new Map([...SONGS].map(([id, plays]) => [id, plays * folds])));
  });

  test("loses no play that is counted meanwhile", async () => {
    const servers = [servePlaycount(), servePlaycount()];
    const client = new CountClient(servers);
    await new CountClient(servers[0] as string).addPlays(SONGS);
    let played = 0;
    let isOver = false;
    const playing = (async () => {
      for (; !isOver; played++) await client.incrementPlayCount(`song ${played % 500}/ä`);
    })();
    for (let fold = 1; fold <= 5; fold++) await CountClient.rebalance(servers, servers, fold);
    isOver = true;
    await playing;
    const counts = new Map(SONGS);
    for (let n = 0; n < played; n++) {
      const id = `song ${n % 500}/ä`;
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    await expectPlaced(servers, counts);
    expect(played).toBeGreaterThan(0);
  });

  test("goes on where a batch job's folds do, and refuses to pass over one", async () => {
    const servers = [servePlaycount(), servePlaycount()];
    const client = new CountClient(servers);
    await client.addPlays(SONGS);
    await client.fold(17, sumOf);
    await client.addPlays(SONGS);
    await fetch(`${servers[0]}/folds/18`, { method: "PUT" });
    await expect(CountClient.rebalance(servers, servers, 19)).rejects.toThrow("must be acknowledged before");
    expect(await client.getAllPlayCounts()).toEqual(SONGS); // nothing has been moved
    let saved: unknown;
    await client.fold(18, async (slices) => (saved = await sumOf(slices)));
    expect(saved).toEqual(SONGS);
    await client.incrementPlayCount("late");
    await CountClient.rebalance(servers, servers, 19);
    await expectPlaced(servers, new Map([["late", 1]]));
    await client.fold(20, async (slices) => (saved = await sumOf(slices))); // the next one behind the one that was moved
    expect(saved).toEqual(new Map([["late", 1]]));
  });

  test("that has ended moves nothing when it is called again, to whichever list", async () => {
    const servers = [servePlaycount(), servePlaycount(), servePlaycount()] as const;
    await new CountClient(servers[0]).addPlays(SONGS);
    expect(await CountClient.rebalance(servers[0], [servers[1]], 5)).toBe(PLAYS);
    expect(await CountClient.rebalance(servers[0], [servers[1]], 5)).toBe(0);
    expect(await CountClient.rebalance(servers[0], [servers[2]], 5)).toBe(0);
    expect(await new CountClient(servers).getAllPlayCounts()).toEqual(SONGS);
  });

  test("says which server failed", async () => {
    const down = await serveNoMore();
    const options = { retries: 0 };
    const failure = CountClient.rebalance([down], [servePlaycount()], 1, options);
    await expect(failure).rejects.toThrow(down);
  });
});

import { afterEach, describe, expect, test } from "bun:test";
import { CountClient } from "../../src/client/client.ts";
import { failureOf } from "../support/failure.ts";
import { servePlaycount, stopAll } from "../support/servers.ts";
import { sumOf } from "../support/slices.ts";

afterEach(stopAll);

const IDS = Array.from({ length: 40 }, (_, n) => `song ${n}`);

describe.each([1, 3])("With %i servers", (count) => {
  const connect = () => new CountClient(Array.from({ length: count }, () => servePlaycount()));

  test("a page that adds the rows of its database is exact before, while and after a fold is handed over", async () => {
    const client = connect();
    const rows = new Map<string, number>();
    let last = 0;
    const onPages = async () => {
      const counts = await Promise.all(IDS.map((id) => client.getPlayCount(id, { after: last })));
      expect([...(await client.getPlayCounts(IDS, { after: last })).values()]).toEqual(counts);
      const all = await client.getAllPlayCounts({ after: last });
      const top = await client.getTopPlayCounts(1000, { after: last });
      expect([...top].sort()).toEqual([...all].sort());
      expect(IDS.map((id) => all.get(id) ?? 0)).toEqual(counts);
      return IDS.map((id, at) => (rows.get(id) ?? 0) + (counts[at] ?? 0));
    };
    const played = IDS.map(() => 0);
    const play = async (plays: number) => {
      await client.addPlays(new Map(IDS.map((id, at) => [id, plays + at])));
      IDS.forEach((_, at) => (played[at] = (played[at] ?? 0) + plays + at));
    };
    for (let fold = 1; fold <= 3; fold++) {
      await play(fold);
      expect(await onPages()).toEqual(played);
      await client.fold(fold, async (slices) => {
        await play(10);
        expect(await onPages()).toEqual(played);
        for (const [id, plays] of await sumOf(slices)) rows.set(id, (rows.get(id) ?? 0) + plays);
        last = fold;
        expect(await onPages()).toEqual(played);
      });
      expect(await onPages()).toEqual(played);
    }
    const failure = await failureOf(client.getPlayCount("song 0", { after: 1 }));
    expect(failure).toMatchObject({ status: 410, type: "FoldDropped", mayBeDone: false });
    for (const call of [
      client.getAllPlayCounts({ after: 1 }),
      client.getTopPlayCounts(1, { after: 1 }),
      client.getPlayCounts(["song 0"], { after: 1 }),
    ])
      expect((await failureOf(call)).type).toBe("FoldDropped");
  });

  test("any number of songs can be read at once, in the order asked, with few requests", async () => {
    const requests: string[] = [];
    const servers = Array.from({ length: count }, () => servePlaycount());
    const client = new CountClient(servers, {
      fetch: (url, init) => {
        requests.push(url);
        return fetch(url, init);
      },
    });
    const ids = ["é&=+ %", ...Array.from({ length: 250 }, (_, n) => `song ${249 - n}`), "é&=+ %"];
    await client.addPlays(new Map(ids.slice(0, 200).map((id, at) => [id, at + 1])));
    requests.length = 0;
    const counts = await client.getPlayCounts(ids);
    expect([...counts]).toEqual(ids.slice(0, 251).map((id, at) => [id, at < 200 ? at + 1 : 0]));
    expect(requests.length).toBeLessThanOrEqual(count + 2);
    expect(await client.getPlayCounts([])).toEqual(new Map());
    const long = Array.from({ length: 60 }, (_, n) => `${"é".repeat(250)}${n}`);
    expect(await client.getPlayCounts(long)).toEqual(new Map(long.map((id) => [id, 0])));
  });

  test("the songs with the most plays are those of all servers, in order", async () => {
    const client = connect();
    const plays = IDS.map((id, at): [string, number] => [id, Math.floor(at / 3)]);
    await client.addPlays(new Map(plays));
    const ranked = plays.filter(([, n]) => n > 0).sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
    for (const n of [1, 2, 5, 17, 40, 1000])
      expect([...(await client.getTopPlayCounts(n))]).toEqual(ranked.slice(0, n));
  });

  test("ids on a tie are in code-unit order, however they are encoded", async () => {
    const client = connect();
    const ids = ["🎵", "\uff5e", "ä", "a=b,c", "a", "B", "10", "9"];
    await client.addPlays(new Map(ids.map((id) => [id, 7])));
    expect([...(await client.getTopPlayCounts(8)).keys()]).toEqual(ids.toSorted());
  });
});

test.each([-1, 1.5, NaN, 2 ** 53, "1&top=9" as unknown as number])("no fold is number %p", async (after) => {
  const client = new CountClient(servePlaycount());
  for (const call of [client.getPlayCount("1", { after }), client.getAllPlayCounts({ after })])
    await expect(call).rejects.toThrow(RangeError);
});

test.each([0, -1, 1.5, 1001, "5&after=9" as unknown as number])("a top list of %p is refused", async (n) => {
  const client = new CountClient(servePlaycount());
  await expect(client.getTopPlayCounts(n)).rejects.toThrow("n must be a whole number from 1 to 1000, not ");
});

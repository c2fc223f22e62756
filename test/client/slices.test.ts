import { afterEach, describe, expect, test } from "bun:test";
import { CountClient } from "../../src/client/client.ts";
import { failureOf } from "../support/failure.ts";
import { serve, servePlaycount, stopAll } from "../support/servers.ts";
import { sumOf } from "../support/slices.ts";

afterEach(stopAll);

const SONGS = new Map(Array.from({ length: 1000 }, (_, n): [string, number] => [`song ${n}/ä`, n + 1]));

type Slices = AsyncIterable<ReadonlyMap<string, number>>;

/** Starts servers that have `SONGS`, and one song more, which all of them have. */
async function serveSongs(count: number): Promise<string[]> {
  const servers = Array.from({ length: count }, () => servePlaycount());
  await new CountClient(servers).addPlays(SONGS);
  for (const server of servers) await new CountClient(server).addPlays(new Map([["on all", 5]]));
  return servers;
}

describe.each([1, 3])("A fold of more songs than a slice has, of %i servers", (count) => {
  const all = new Map(SONGS).set("on all", 5 * count);

  test("is passed in slices, each with the sums of other songs", async () => {
    const client = new CountClient(await serveSongs(count));
    const sizes: number[] = [];
    const save = async (slices: Slices) => {
      for await (const slice of slices) sizes.push(slice.size);
      expect(await sumOf(slices)).toEqual(all);
    };
    await client.fold(1, save, { sliceSongs: 100 });
    expect(sizes.length).toBeWithin(8, 65);
    expect(Math.max(...sizes)).toBeLessThan(250);
    expect(await client.getAllPlayCounts()).toEqual(new Map());
  });

  test("is passed as a whole to each attempt of a transaction", async () => {
    const client = new CountClient(await serveSongs(count));
    const attempts: Map<string, number>[] = [];
    const save = async (slices: Slices) => {
      for await (const slice of slices) {
        if (slice.size > 0) break; // deadlock: the transaction begins again
      }
      attempts.push(await sumOf(slices), await sumOf(slices));
    };
    await client.fold(1, save, { sliceSongs: 100 });
    expect(attempts).toEqual([all, all]);
  });

  test.each<[string, (slices: Slices) => unknown]>([
    ["none of its slices was read", () => {}],
    [
      "only some of its slices were read",
      async (slices) => {
        for await (const _ of slices) break;
      },
    ],
    [
      "the last attempt did not read all of them",
      async (slices) => {
        await sumOf(slices);
        for await (const _ of slices) break;
      },
    ],
  ])("is not acknowledged if %s", async (_, save) => {
    const client = new CountClient(await serveSongs(count));
    await expect(client.fold(1, save, { sliceSongs: 100 })).rejects.toThrow(
      "Fold 1 is not acknowledged: save has not read all of its slices",
    );
    expect(await client.getAllPlayCounts()).toEqual(all);
    await client.fold(1, sumOf);
    expect(await client.getAllPlayCounts()).toEqual(new Map());
  });
});

test("A fold of few songs is one slice, and is read once", async () => {
  const [backend = ""] = await serveSongs(1);
  const asked: string[] = [];
  const client = new CountClient(backend, {
    fetch: (url, init) => {
      asked.push(`${init.method} ${new URL(url).pathname}`);
      return fetch(url, init);
    },
  });
  await client.fold(1, sumOf, { sliceSongs: SONGS.size + 1 });
  await client.fold(2, async (slices) => expect(await Array.fromAsync(slices)).toEqual([new Map()]));
  expect(asked).toEqual(["PUT /folds/1", "DELETE /folds/1", "PUT /folds/2", "DELETE /folds/2"]);
});

test("A fold that is lost between two slices is not acknowledged", async () => {
  const [backend = ""] = await serveSongs(1);
  const url = serve(({ method, url: asked }) =>
    method === "GET"
      ? new Response("Not Found", { status: 404 })
      : fetch(backend + new URL(asked).pathname, { method }),
  );
  const failure = await failureOf(new CountClient(url).fold(1, sumOf, { sliceSongs: 100 }));
  expect(failure).toMatchObject({ status: 404, mayBeDone: false });
  expect(await (await fetch(`${backend}/folds`)).text()).toBe("1");
});

test.each([0, -1, 1.5, NaN, 2 ** 53, "1/../.." as unknown as number])(
  "No fold has number %p",
  async (fold) => {
    const client = new CountClient(serve(() => new Response("")));
    await expect(client.fold(fold, sumOf)).rejects.toThrow(RangeError);
    if (fold !== 2 ** 53)
      await expect(client.fold(1, sumOf, { sliceSongs: fold })).rejects.toThrow(RangeError);
  },
);

test("A fold of which songs are stored is only read, and a server that has forgotten it is passed over", async () => {
  const servers = [servePlaycount(), servePlaycount()];
  const client = new CountClient(servers, { retries: 0 });
  await client.addPlays(SONGS);
  const stored = new Map<string, number>();
  const save = async (slices: Slices) => {
    for await (const slice of slices) for (const [id, plays] of slice) stored.set(id, plays);
  };
  const failing = () => Promise.reject(new Error("the database is down"));
  await expect(client.fold(18, failing)).rejects.toThrow("the database is down");
  await fetch(`${servers[1]}/`, { method: "DELETE" }); // forgets its folds, as a restart in memory does
  const later = new Map([...SONGS].map(([id]): [string, number] => [id, 10]));
  await client.addPlays(later);
  await client.fold(18, save, { isBegun: true });
  const onFirst = [...SONGS].filter(([id]) => client.serverOf(id) === `${servers[0]}/`);
  expect(stored).toEqual(new Map(onFirst));
  stored.clear();
  await client.fold(19, save);
  expect(stored).toEqual(later);
});

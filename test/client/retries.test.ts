import { afterEach, describe, expect, test } from "bun:test";
import { CountClient } from "../../src/client/client.ts";
import { Random } from "../support/random.ts";
import { failureOf } from "../support/failure.ts";
import { serve, serveNoMore, servePlaycount, stopAll } from "../support/servers.ts";
import { serveUnreliably } from "../support/unreliable.ts";

afterEach(stopAll);

describe("A play whose answer is lost", () => {
  test("is retried with the same key, and counted once", async () => {
    const { url, seen } = serveUnreliably(servePlaycount(), (_, at) => (at < 2 ? "lose answer" : "succeed"));
    const client = new CountClient(url);
    expect(await client.incrementPlayCount("a")).toBe(1);
    expect(seen).toHaveLength(3);
    expect(new Set(seen.map(({ key }) => key)).size).toBe(1);
    expect(await client.incrementPlayCount("a")).toBe(2);
  });

  test("is retried in a batch too", async () => {
    const { url } = serveUnreliably(servePlaycount(), (_, at) => (at % 3 < 2 ? "lose answer" : "succeed"));
    const client = new CountClient(url);
    expect(await Promise.all([client.incrementPlayCount("a"), client.incrementPlayCount("a")])).toEqual([
      1, 2,
    ]);
    expect(await client.addPlays(new Map([["a", 5]]))).toEqual(new Map([["a", 7]]));
  });

  test("may have been counted, and the failure says so, whatever the retries returned", async () => {
    const fates = ["lose answer", 403, "lose request", 503, 409] as const;
    const { url, seen } = serveUnreliably(servePlaycount(), (_, at) => fates[at] ?? "succeed");
    const client = new CountClient(url, { retries: 1 });
    const forbidden = await failureOf(client.incrementPlayCount("a"));
    expect([forbidden.status, forbidden.mayBeDone]).toEqual([403, true]);
    const unavailable = await failureOf(client.incrementPlayCount("a"));
    expect([unavailable.status, unavailable.mayBeDone]).toEqual([503, true]);
    const refused = await failureOf(client.incrementPlayCount("a"));
    expect([refused.status, refused.mayBeDone]).toEqual([409, false]);
    expect(seen).toHaveLength(5);
    expect(await client.getPlayCount("a")).toBe(1);
  });

  test("is not sent alone after its batch may have been counted", async () => {
    const fates = ["lose answer", 403] as const;
    const { url } = serveUnreliably(servePlaycount(), (_, at) => fates[at] ?? "succeed");
    const client = new CountClient(url, { retries: 1 });
    const plays = await Promise.allSettled([client.incrementPlayCount("a"), client.incrementPlayCount("a")]);
    expect(plays.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await client.getPlayCount("a")).toBe(2);
  });
});

test("Keys of a writer ascend, and each writer has one request in progress at a time", async () => {
  const inProgress = new Set<string>();
  const last = new Map<string, number>();
  const wrong: string[] = [];
  let most = 0;
  const url = serve(async (request) => {
    const [, writer = "", seq] = /^"(.*):(\d+)"$/.exec(request.headers.get("idempotency-key") ?? "") ?? [];
    if (inProgress.has(writer) || Number(seq) <= (last.get(writer) ?? 0)) wrong.push(`${writer}:${seq}`);
    inProgress.add(writer);
    last.set(writer, Number(seq));
    most = Math.max(most, inProgress.size);
    await Bun.sleep(1);
    inProgress.delete(writer);
    return new Response(request.url.endsWith("/batch") ? "a=1000" : "1");
  });
  const client = new CountClient(url);
  const play = async (n: number) => {
    await Bun.sleep(n % 20);
    return await client.incrementPlayCount("a", {});
  };
  await Promise.all(Array.from({ length: 50 }, (_, n) => client.addPlays(new Map([["a", n]]))));
  await Promise.all(Array.from({ length: 200 }, (_, n) => play(n)));
  expect(wrong).toEqual([]);
  expect(most).toBeWithin(2, 17);
});

describe("A failed request", () => {
  test("is retried `retries` times", async () => {
    for (const retries of [0, 1, 4]) {
      const { url, seen } = serveUnreliably(servePlaycount(), () => 503);
      expect((await failureOf(new CountClient(url, { retries }).getPlayCount("a"))).status).toBe(503);
      expect(seen).toHaveLength(retries + 1);
    }
    for (const retries of [-1, 21, 0.5])
      expect(() => new CountClient("http://a", { retries })).toThrow(RangeError);
  });

  test("is not retried if the request itself was refused", async () => {
    const { url, seen } = serveUnreliably(servePlaycount(), () => 409);
    await failureOf(new CountClient(url).incrementPlayCount("a"));
    await failureOf(new CountClient(url).getPlayCount("a"));
    expect(seen).toHaveLength(2);
  });

  test("is not retried if it clears, because a retry would clear later plays", async () => {
    const { url, seen } = serveUnreliably(servePlaycount(), () => "lose answer");
    expect((await failureOf(new CountClient(url).resetAllPlayCounts())).mayBeDone).toBe(true);
    expect(seen).toHaveLength(1);
  });

  test("is retried no sooner than Retry-After says", async () => {
    let asked = 0;
    const times: number[] = [];
    const url = serve(() => {
      times.push(performance.now());
      return asked++ === 0
        ? new Response("Busy", { status: 503, headers: { "retry-after": "1" } })
        : new Response("7");
    });
    expect(await new CountClient(url).getPlayCount("a")).toBe(7);
    expect((times[1] as number) - (times[0] as number)).toBeGreaterThanOrEqual(990);
  });

  test("rejects at once if its signal is aborted during the back-off", async () => {
    const controller = new AbortController();
    const call = new CountClient(await serveNoMore(), { retries: 20 }).getPlayCount("a", controller);
    setTimeout(() => controller.abort("bored"), 50);
    expect(await call.catch((reason: unknown) => reason)).toBe("bored");
  });
});

test("Plays over connections that lose requests and answers at random are each counted once", async () => {
  const random = new Random("unreliable");
  const fates = ["succeed", "succeed", "lose request", "lose answer"] as const;
  const { url, seen } = serveUnreliably(servePlaycount(), () => random.pick(fates));
  const client = new CountClient(url, { retries: 20 });
  let plays = 0;
  for (let round = 0; round < 12 || seen.length <= 15; round++) {
    const ids = Array.from({ length: random.below(4) + 1 }, () => `song-${random.below(5)}`);
    plays += ids.length;
    await Promise.all(ids.map((id) => client.incrementPlayCount(id)));
  }
  const all = await client.getAllPlayCounts();
  expect([...all.values()].reduce((sum, count) => sum + count, 0)).toBe(plays);
});

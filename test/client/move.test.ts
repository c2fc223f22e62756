import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { CountClient, type MoveProgress } from "../../src/client/client.ts";
import { rounds } from "../support/extent.ts";
import { failureOf } from "../support/failure.ts";
import { batchesIn, countsOf, moverTo, NO_RETRIES, songs, sum } from "../support/moving.ts";
import { serve, servePlaycount, stopAll } from "../support/servers.ts";
import { serveUnreliably } from "../support/unreliable.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

describe("A fold that is moved", () => {
  test("of very many songs goes in batches that are bounded, each of them once", async () => {
    const source = servePlaycount();
    const many = rounds(300_000, 30_000);
    const all = songs(many);
    all.set("ö".repeat(250), 3);
    await new CountClient(source, { timeoutMs: 60_000 }).addPlays(all);
    const targets = [1, 2].map(() => serveUnreliably(servePlaycount(), () => "succeed"));
    const urls = targets.map(({ url }) => url);
    const told: MoveProgress[] = [];
    const onProgress = (progress: MoveProgress) => told.push(progress);
    expect(await CountClient.rebalance(source, urls, 1, { onProgress, timeoutMs: 60_000 })).toBe(sum(all));
    const batches = targets.flatMap(({ seen }) => batchesIn(seen));
    expect(batches.length).toBeLessThanOrEqual(many / 5000 + 4);
    expect(Math.max(...batches.map(({ body }) => body.split(",").length))).toBe(5000);
    expect(Math.max(...batches.map(({ body }) => body.length))).toBeLessThanOrEqual(256 * 1024);
    expect(await countsOf(source, ...urls)).toEqual(all);
    const [first, last] = [told[0], told.at(-1)];
    const { size } = all;
    expect(first).toEqual({
      server: `${source}/`,
      fold: 1,
      songs: size,
      plays: sum(all),
      movedSongs: 0,
      movedPlays: 0,
    });
    expect(last).toEqual({ ...(first as MoveProgress), movedSongs: size, movedPlays: sum(all) });
    expect(told).toHaveLength(batches.length + 1);
  });

  test("of long ids goes in batches that no server finds too long", async () => {
    const source = servePlaycount({ maxIdBytes: 4096 });
    const all = new Map(Array.from({ length: 100 }, (_, n) => [`${n}`.padEnd(4096, "="), 1] as const));
    await new CountClient(source).addPlays(all);
    const target = serveUnreliably(servePlaycount({ maxIdBytes: 4096 }), () => "succeed");
    await CountClient.rebalance(source, target.url, 1);
    expect(Math.max(...batchesIn(target.seen).map(({ body }) => body.length))).toBeLessThanOrEqual(
      256 * 1024,
    );
    expect(await countsOf(target.url)).toEqual(all);
  });

  test("is read again for each part that is held at once, and all parts are moved", async () => {
    const backend = servePlaycount();
    const all = songs(12_000);
    await new CountClient(backend).addPlays(all);
    const { url, seen } = serveUnreliably(backend, () => "succeed");
    const targets = [servePlaycount(), servePlaycount()];
    const mover = moverTo(targets, 1000);
    expect(await mover.move(`${url}/`, 7)).toMatchObject({ fold: 7, songs: 12_000, movedPlays: sum(all) });
    expect(seen.filter(({ asked }) => asked === "GET /folds/7")).toHaveLength(12);
    expect(await countsOf(url, ...targets)).toEqual(all);
  });

  test("is counted even if a server has lost its folds, and seals another one under the same number", async () => {
    const [source, target] = [servePlaycount(), servePlaycount()];
    await new CountClient(source).addPlays(songs(9));
    await CountClient.rebalance(source, target, 1);
    await fetch(source, { method: "DELETE" });
    await new CountClient(source).addPlays(songs(8));
    await CountClient.rebalance(source, target, 1);
    expect(sum(await countsOf(source, target))).toBe(sum(songs(9)) + sum(songs(8)));
  });

  test("stays where it is if something answers that is no play counter, or only a part of it comes", async () => {
    const source = servePlaycount();
    await new CountClient(source).addPlays(songs(12_000));
    const page = serve(() => new Response("Welcome", { headers: { "content-type": "text/html" } }));
    const failure = await failureOf(CountClient.rebalance(source, page, 1));
    expect(failure.message).toBe(`${page}/ is not a play counter: its answer has no Fold header`);
    const target = servePlaycount();
    const cutting = serve(async (request) => {
      const { pathname } = new URL(request.url);
      const { method, headers } = request;
      const body = method === "POST" ? await request.text() : null;
      const answer = await fetch(source + pathname, { method, headers, body });
      if (method !== "GET" || pathname === "/folds") return answer;
      return new Response((await answer.text()).split(",").slice(1).join(","));
    });
    const cut = await failureOf(CountClient.rebalance(cutting, target, 2, NO_RETRIES)).catch(
      (error) => error,
    );
    expect(cut.message).toContain("must be acknowledged before"); // the fold on its way to the page
    await fetch(`${source}/folds/1`, { method: "DELETE" });
    await new CountClient(source).addPlays(songs(9));
    const part = await failureOf(CountClient.rebalance(cutting, target, 2, NO_RETRIES));
    expect(part.message).toBe(`Fold 2 of ${cutting}/ is incomplete, or has changed since it was sealed`);
    expect(await countsOf(source)).toEqual(songs(9));
    expect(await countsOf(target)).toEqual(new Map());
  });

  test("may come slowly, but not with a silence that is longer than an answer may take", async () => {
    const send = (pieces: readonly string[], ending: "close" | "be silent") =>
      serve((request) => {
        const { pathname } = new URL(request.url);
        if (request.method === "HEAD") return new Response(null, { status: 404 });
        if (request.method === "POST") return new Response("", { headers: { fold: "0" } });
        if (pathname === "/folds" || request.method === "DELETE") return new Response("");
        return new Response(
          new ReadableStream({
            async start(controller) {
              for (const piece of pieces) {
                controller.enqueue(new TextEncoder().encode(piece));
                await Bun.sleep(400);
              }
              if (ending === "close") controller.close();
            },
          }),
        );
      });
    const options = { ...NO_RETRIES, timeoutMs: 3000 };
    const slow = send(["a=1", ",b=2", ",c=", "3", ",d=4", ",e=5", ",f=6", ",g", "=7"], "close");
    expect(await CountClient.rebalance(slow, servePlaycount(), 1, options)).toBe(28);
    const silent = await failureOf(
      CountClient.rebalance(send(["a=1"], "be silent"), servePlaycount(), 1, options),
    );
    expect(silent.message).toEndWith("failed: no answer within 3000 ms");
  });

  test("is moved with a token for each list", async () => {
    const source = servePlaycount({ token: "old" });
    const target = servePlaycount({ token: "new" });
    await new CountClient(source, { token: "old" }).addPlays(songs(9));
    const wrong = await failureOf(CountClient.rebalance(source, target, 1, { token: "old" }));
    expect(wrong.status).toBe(401);
    expect(await CountClient.rebalance(source, target, 1, { token: "old", toToken: "new" })).toBe(
      sum(songs(9)),
    );
    expect(await countsOf(source, target)).toEqual(songs(9));
  });
});

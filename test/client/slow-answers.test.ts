import { afterEach, describe, expect, test } from "bun:test";
import { CountClient } from "../../src/client/client.ts";
import { failureOf } from "../support/failure.ts";
import { serve, stopAll } from "../support/servers.ts";

afterEach(stopAll);

/** Starts a server whose answers come in pieces, with a pause after each, and never end if `isEndless`. */
function serveSlowly(pieces: readonly string[], isEndless = false): string {
  return serve(
    ({ method }) =>
      new Response(
        new ReadableStream({
          async start(body) {
            for (const piece of method === "DELETE" ? ["O", "K"] : pieces) {
              body.enqueue(new TextEncoder().encode(piece));
              await Bun.sleep(100);
            }
            if (!isEndless) body.close();
          },
        }),
      ),
  );
}

const OPTIONS = { timeoutMs: 1000, retries: 0 };

describe("An answer that keeps coming for longer than the time-out", () => {
  const songs = Array.from({ length: 15 }, (_, n): [string, number] => [`ä${n}`, n + 1]);
  const pieces = songs.map(([id, n], at) => `${at === 0 ? "" : ","}${encodeURIComponent(id)}=${n}`);
  const calls: Readonly<Record<string, (client: CountClient) => Promise<unknown>>> = {
    getAllPlayCounts: (client) => client.getAllPlayCounts(),
    getTopPlayCounts: (client) => client.getTopPlayCounts(15),
    addPlays: (client) => client.addPlays(new Map(songs)),
  };
  test.each(Object.entries(calls))("of %s is read to its end", async (_, call) => {
    const counts = await call(new CountClient(serveSlowly(pieces), OPTIONS));
    expect(counts).toEqual(new Map(songs));
  });

  test("of a fold is read to its end", async () => {
    let saved: ReadonlyMap<string, number> | undefined;
    await new CountClient(serveSlowly(pieces), OPTIONS).fold(1, async (slices) => {
      for await (const slice of slices) saved = slice;
    });
    expect(saved).toEqual(new Map(songs));
  });

  test("is cut off when it falls silent", async () => {
    const client = new CountClient(serveSlowly(pieces, true), { ...OPTIONS, timeoutMs: 400 });
    const failure = await failureOf(client.getAllPlayCounts());
    expect(failure.message).toEndWith("failed: no answer within 400 ms");
  });
});

test.each([200, 503])("A short answer that drips is cut off by the time-out: %i", async (status) => {
  const server = serve(() => {
    const pull = async (body: ReadableStreamDefaultController<Uint8Array>) => {
      await Bun.sleep(50);
      body.enqueue(new TextEncoder().encode("0"));
    };
    return new Response(new ReadableStream({ pull }), { status });
  });
  const failure = await failureOf(
    new CountClient(server, { timeoutMs: 400, retries: 0 }).incrementPlayCount("1"),
  );
  expect(failure.message).toEndWith("failed: no answer within 400 ms");
});

describe("An answer without an end", () => {
  const serveEndless = (status: number) =>
    serve(() => {
      const body = new ReadableStream({
        pull: (controller) => controller.enqueue(new TextEncoder().encode("1".repeat(10_000))),
      });
      return new Response(body, { status });
    });

  test.each([
    [200, ", not a count"],
    [503, "failed: 503 1111"],
  ])("is not read for ever if it should be short: %i", async (status, message) => {
    const failure = await failureOf(new CountClient(serveEndless(status), OPTIONS).getPlayCount("1"));
    expect(failure.message).toContain(message);
    expect(failure.message.length).toBeLessThan(500);
  });

  test("is not read for ever if it is not a mapping", async () => {
    const failure = await failureOf(new CountClient(serveEndless(200), OPTIONS).getAllPlayCounts());
    expect(failure.message).toContain("is not a mapping");
  });
});

import { afterEach, expect, test } from "bun:test";
import { type CallOptions, CountClient } from "../../src/client/client.ts";
import { serve, servePlaycount, stopAll } from "../support/servers.ts";

afterEach(stopAll);

const CALLS: Readonly<Record<string, (client: CountClient, options: CallOptions) => Promise<unknown>>> = {
  getPlayCount: (client, options) => client.getPlayCount("42", options),
  incrementPlayCount: (client, options) => client.incrementPlayCount("42", options),
  getAllPlayCounts: (client, options) => client.getAllPlayCounts(options),
  resetAllPlayCounts: (client, options) => client.resetAllPlayCounts(options),
};

/** Starts a server that never answers, with promises of its first request and of that request's abort. */
function serveNothing(): { url: string; asked: Promise<void>; givenUp: Promise<void> } {
  const asked = Promise.withResolvers<void>();
  const givenUp = Promise.withResolvers<void>();
  const url = serve((request) => {
    asked.resolve();
    request.signal.addEventListener("abort", () => givenUp.resolve());
    return new Promise(() => {});
  });
  return { url, asked: asked.promise, givenUp: givenUp.promise };
}

test.each(Object.entries(CALLS))(
  "%s rejects with the reason of its signal, and aborts its requests",
  async (_, call) => {
    const servers = [serveNothing(), serveNothing()];
    const client = new CountClient(servers.map(({ url }) => url));
    const { signal, abort } = abortable();
    const called = call(client, { signal });
    await Promise.race(servers.map(({ asked }) => asked));
    abort("bored");
    await expect(called).rejects.toBe("bored");
    await Promise.race(servers.map((server) => server.givenUp));
  },
);

test.each(Object.entries(CALLS))("%s with an aborted signal sends no request", async (_, call) => {
  let asked = 0;
  const client = new CountClient(
    serve(() => {
      asked++;
      return new Response("1");
    }),
  );
  await expect(call(client, { signal: AbortSignal.abort("too late") })).rejects.toBe("too late");
  expect(asked).toBe(0);
});

test("a call that waits for an idle writer rejects at once when it is aborted, and is never sent", async () => {
  const answer = Promise.withResolvers<void>();
  let asked = 0;
  const url = serve(async () => {
    asked++;
    await answer.promise;
    return new Response("a=1");
  });
  const client = new CountClient(url);
  const { signal, abort } = abortable();
  const plays = new Map([["a", 1]]);
  const calls = Array.from({ length: 16 }, () => client.addPlays(plays));
  const waiting = client.addPlays(plays, { signal });
  const next = client.addPlays(plays);
  while (asked < 16) await Bun.sleep(1);
  abort("bored");
  await expect(waiting).rejects.toBe("bored");
  answer.resolve();
  await Promise.all([...calls, next]); // the aborted call does not hold the next one up
  await client.addPlays(plays);
  expect(asked).toBe(18);
});

test("a signal that is aborted after a call has no effect on it", async () => {
  const client = new CountClient(servePlaycount());
  const { signal, abort } = abortable();
  expect(await client.incrementPlayCount("42", { signal })).toBe(1);
  abort("late");
  expect(await client.incrementPlayCount("42")).toBe(2);
});

function abortable(): { signal: AbortSignal; abort: (reason: string) => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: (reason) => controller.abort(reason) };
}

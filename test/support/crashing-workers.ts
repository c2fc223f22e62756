import process from "node:process";
import { isMainThread } from "node:worker_threads";
import { runWorker, serveWorkers } from "../../src/cli/workers.ts";
import { createHandler } from "../../src/http/handler.ts";
import { completeSettings } from "../../src/settings/settings.ts";
import { ShardedStore, type StoreHandle } from "../../src/store/memory/sharded-store.ts";

// playcount with three workers, which state their number in a header and die on request: between requests by
// `POST /die`, and during a clear, while the worker holds every lock of the store, by `POST /die-in-clear`.

if (isMainThread) {
  const store = new ShardedStore({ threads: 3 });
  const server = await serveWorkers({
    settings: completeSettings({ port: 0 }),
    counts: {
      attach: (thread) => ({ thread, handle: store.handle }),
      release: (worker) => store.release(worker),
    },
    count: 3,
    entry: import.meta.url,
  });
  process.on("SIGTERM", async () => {
    await server.stop(10);
    const plays = Array.from(store.entries(), (chunk) => Array.from(chunk, ([, count]) => count)).flat();
    console.log(`counted ${plays.reduce((sum, count) => sum + count, 0)}`);
    process.exit(0);
  });
  console.log(server.url);
} else {
  runWorker(({ attachment, id }, signal) => {
    const { handle } = attachment as { handle: StoreHandle };
    const store = ShardedStore.attach(handle, id);
    const handler = createHandler(store, { signal });
    return async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/die") queueMicrotask(() => die());
      if (pathname === "/die-in-clear") store.clear(() => process.exit(1));
      const answer = await handler(request);
      const response = new Response(answer.body, answer);
      response.headers.set("x-worker", String(id));
      return response;
    };
  });
}

function die(): never {
  throw new Error("asked to");
}

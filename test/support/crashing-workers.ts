import process from "node:process";
import { isMainThread } from "node:worker_threads";
import { runWorker, serveWorkers } from "../../src/adapters/bun/workers.ts";
import { createHandler } from "../../src/http/handler.ts";
import { ShardedStore, type StoreHandle } from "../../src/store/memory/sharded-store.ts";

// playcount with three workers, which state their number in a header and die on request: between requests by
// `POST /die`, and during a clear, while the worker holds every lock of the store, by `POST /die-in-clear`.

if (isMainThread) {
  const store = new ShardedStore({ threads: 3 });
  const server = await serveWorkers<StoreHandle>({
    host: "127.0.0.1",
    port: 0,
    count: 3,
    entry: import.meta.url,
    dataFor: () => ({ data: store.handle }),
    onDeath: (number) => store.release(number),
  });
  process.on("SIGTERM", async () => {
    await server.stop(10);
    const plays = Array.from(store.entries(), (chunk) => Array.from(chunk, ([, count]) => count)).flat();
    console.log(`counted ${plays.reduce((sum, count) => sum + count, 0)}`);
    process.exit(0);
  });
  console.log(server.url);
} else {
  runWorker<StoreHandle>((handle, number, signal) => {
    const store = ShardedStore.attach(handle, number);
    const handler = createHandler(store, { signal });
    return async (request) => {
      const { pathname } = new URL(request.url);
      if (pathname === "/die") queueMicrotask(() => die());
      if (pathname === "/die-in-clear") store.clear(() => process.exit(1));
      const answer = await handler(request);
      const response = new Response(answer.body, answer);
      response.headers.set("x-worker", String(number));
      return response;
    };
  });
}

function die(): never {
  throw new Error("asked to");
}

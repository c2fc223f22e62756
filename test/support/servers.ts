import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { createHandler, type HandlerOptions } from "../../src/http/handler.ts";
import { ShardedStore, type ShardedStoreOptions } from "../../src/store/memory/sharded-store.ts";
import { freePort } from "./ports.ts";

/** Functions that close the servers of a test. */
const open: (() => unknown)[] = [];

/** Starts a server of `fetch` on a free port, and returns its URL without a slash at its end. */
export function serve(fetch: (request: Request) => Response | Promise<Response>): string {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, development: false, fetch });
  open.push(() => server.stop(true));
  return server.url.href.slice(0, -1);
}

/** Starts a play counter in memory. */
export function servePlaycount(options: HandlerOptions & ShardedStoreOptions = {}): string {
  return serve(createHandler(new ShardedStore(options), options));
}

/** Starts a server that sends `answer` after the first bytes of a connection, and then destroys it. */
export async function serveBytes(answer: string): Promise<string> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write(answer, () => socket.destroy()));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  open.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Returns the URL of a server that does not run. */
export async function serveNoMore(): Promise<string> {
  return `http://127.0.0.1:${await freePort()}`;
}

/** Stops all servers. */
export async function stopAll(): Promise<void> {
  for (const close of open.splice(0)) await close();
}

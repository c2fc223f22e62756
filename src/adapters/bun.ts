/**
 * Serves a handler on Bun, and stops without losing an answer.
 *
 * @example
 * ```ts
 * import { createHandler, ShardedStore } from "playcount";
 * import { serve } from "playcount/bun";
 *
 * const server = await serve(createHandler(new ShardedStore()), { host: "127.0.0.1", port: 0 });
 * server.url; // for example http://127.0.0.1:40123
 * await server.stop(10);
 * ```
 *
 * @module
 */

import { lookup } from "node:dns/promises";
import { setImmediate } from "node:timers";
import type { Handler } from "../http/handler.ts";
import { resolvesWithin } from "../async/timing.ts";
import { drainable, IDLE_SECONDS, type ListenOptions, socketPathOf, type Server, urlOf } from "./server.ts";

export type { ListenOptions, Server } from "./server.ts";

/**
 * Serves `handler` on Bun.
 *
 * @throws {Error} if the port is taken, or `host` is not an address of this machine.
 *
 * @example
 * ```ts
 * import { createHandler, ShardedStore } from "playcount";
 * import { serve } from "playcount/bun";
 *
 * const handler = createHandler(new ShardedStore());
 * const server = await serve(handler, { host: "127.0.0.1", port: 0 });
 * server.url; // for example http://127.0.0.1:40123
 * const answer = await fetch(`${server.url}/song/1`, { method: "POST" });
 * await answer.text(); // "1"
 * await server.stop(1);
 * ```
 */
export async function serve(handler: Handler, options: ListenOptions): Promise<Server> {
  const { handle, drain } = drainable(handler);
  const server = await listen(handle, options);
  return {
    url: urlOf(options.host, server.port),
    drain,
    async stop(graceSeconds) {
      if (!(await resolvesWithin(server.stop(), graceSeconds))) await server.stop(true);
    },
  };
}

async function listen(
  handler: Handler,
  { host, port, isShared = false }: ListenOptions,
): Promise<Bun.Server<undefined>> {
  const unix = socketPathOf(host);
  const options = {
    fetch: handler,
    idleTimeout: IDLE_SECONDS,
    maxRequestBodySize: 2 ** 40, // the handler enforces the configured limit, and answers 413
    development: false, // in development an error would show its source to the client
  };
  try {
    // Bun's types do not know that a Unix socket has an idle time-out too.
    if (unix !== undefined) return Bun.serve({ unix, ...(options as { fetch: Handler }) });
    // Without `reusePort`, Bun shares the port with any other program, without an error.
    return Bun.serve({ hostname: host, port, reusePort: isShared, ...options });
  } catch (error) {
    // Throws for an unknown name, for which Bun reports only an invalid argument.
    if (unix === undefined) await lookup(host);
    throw error;
  }
}

let parsed: Promise<void> | undefined;

/**
 * Resolves when Bun has parsed all bytes that have arrived on any connection, and noticed those that were
 * closed: at the end of the next turn of the event loop. All requests of a turn share it.
 *
 * While a handler waits, Bun gives up its connection if anything follows the request: trailers, line ends,
 * the next request, or the end of the client's side. A handler that waits for this first can still count
 * nothing.
 *
 * @example
 * ```ts
 * import { createHandler, ShardedStore } from "playcount";
 * import { whenParsed } from "playcount/bun";
 *
 * const handle = createHandler(new ShardedStore(), { whenParsed });
 * const answer = await handle(new Request("http://localhost/song/1", { method: "POST" }));
 * await answer.text(); // "1"
 * ```
 */
export function whenParsed(): Promise<void> {
  return (parsed ??= new Promise((resolve) => {
    setImmediate(() => {
      parsed = undefined;
      setImmediate(resolve);
    });
  }));
}

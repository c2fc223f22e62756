/**
 * Serves a handler on Deno, and stops without losing an answer.
 *
 * @example
 * ```ts
 * import { createHandler, ShardedStore } from "playcount";
 * import { serve } from "playcount/deno";
 *
 * const server = await serve(createHandler(new ShardedStore()), { host: "127.0.0.1", port: 0 });
 * server.url; // for example http://127.0.0.1:40123
 * await server.stop(10);
 * ```
 *
 * @module
 */

import { resolvesWithin } from "../async/timing.ts";
import { type Handler, answerError } from "../http/handler.ts";
import { Problem } from "../http/response/problem.ts";
import { drainable, type ListenOptions, socketPathOf, refuseHost, type Server, urlOf } from "./server.ts";

/** The part of Deno's interface that is used here. */
declare const Deno: {
  serve(
    options: ({ hostname: string; port: number } | { path: string }) & {
      signal: AbortSignal;
      onListen: () => void;
    },
    handler: Handler,
  ): { addr: { port?: number }; shutdown(): Promise<void> };
};

export type { ListenOptions, Server } from "./server.ts";

/**
 * Serves `handler` on Deno.
 *
 * @throws {Error} if the port is taken, or `host` is not an address of this machine.
 *
 * @example
 * ```ts
 * import { createHandler, ShardedStore } from "playcount";
 * import { serve } from "playcount/deno";
 *
 * const handler = createHandler(new ShardedStore());
 * const server = await serve(handler, { host: "127.0.0.1", port: 0 });
 * server.url; // for example http://127.0.0.1:40123
 * const answer = await fetch(`${server.url}/song/1`, { method: "POST" });
 * await answer.text(); // "1"
 * await server.stop(1);
 * ```
 */
export function serve(handler: Handler, { host, port }: ListenOptions): Server {
  const requests = track(handler);
  const { handle, drain } = drainable(requests.handle); // Deno lets the client close the connection
  const cut = new AbortController();
  const path = socketPathOf(host);
  const server = Deno.serve(
    {
      ...(path === undefined ? { hostname: host, port } : { path }),
      signal: cut.signal,
      onListen: () => {},
    },
    path === undefined ? handle : (request) => handle(withHttp(request)),
  );
  return {
    url: urlOf(host, server.addr.port),
    drain,
    async stop(graceSeconds) {
      const deadline = performance.now() + graceSeconds * 1000;
      if (!(await resolvesWithin(requests.stop(), graceSeconds))) return cut.abort();
      // After its shutdown Deno cannot close a connection: a late one ends with the process.
      await resolvesWithin(server.shutdown(), (deadline - performance.now()) / 1000);
    },
  };
}

/** Sets the scheme of a request of a Unix socket to `http:`. Deno has `http+unix:`. */
function withHttp(request: Request): Request {
  return Object.defineProperty(request, "url", { value: request.url.replace(/^http\+unix:/, "http:") });
}

/** Tracks the requests that wait for a body or a store: `shutdown` of Deno 2.9 makes bodies unreadable. */
function track(handler: Handler): { handle: Handler; stop: () => Promise<unknown> } {
  const pending = new Set<Promise<Response>>();
  let isStopping = false;
  return {
    handle(request) {
      // Deno puts its own name into the URL. A request of HTTP/2 has no Host either.
      if (!request.headers.has("host")) return refuseHost(request);
      if (isStopping && request.body !== null)
        return answerError(request, Problem.of("Unavailable", "The server is stopping"));
      const answer = handler(request);
      if (!(answer instanceof Promise)) return answer;
      pending.add(answer);
      const forget = () => pending.delete(answer);
      answer.then(forget, forget);
      return answer;
    },
    /** Refuses further bodies; resolves when all requests with a body are answered. */
    stop() {
      isStopping = true;
      return Promise.allSettled(pending);
    },
  };
}

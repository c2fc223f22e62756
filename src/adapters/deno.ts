import type { Handler } from "../handler.ts";
import { inTime, type ListenOptions, type Server, urlOf } from "./server.ts";

/** What is used of Deno's own interface. */
declare const Deno: {
  serve(
    options: { hostname: string; port: number; signal: AbortSignal; onListen: () => void },
    handler: Handler,
  ): { addr: { port: number }; shutdown(): Promise<void> };
};

/** Serves `handler` on Deno. */
export function serve(handler: Handler, { host, port }: ListenOptions): Server {
  const cut = new AbortController();
  const server = Deno.serve({ hostname: host, port, signal: cut.signal, onListen: () => {} }, handler);
  return {
    url: urlOf(host, server.addr.port),
    async stop(graceSeconds) {
      if (!(await inTime(server.shutdown(), graceSeconds))) cut.abort();
    },
  };
}

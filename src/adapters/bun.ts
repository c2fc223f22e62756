import type { Handler } from "../handler.ts";
import { inTime, type ListenOptions, type Server, urlOf } from "./server.ts";

/** Serves `handler` on Bun. */
export function serve(handler: Handler, { host, port }: ListenOptions): Server {
  const server = Bun.serve({
    hostname: host,
    port,
    fetch: (request) => handler(request),
    development: false, // in development an error would show its source to whoever caused it
  });
  return {
    url: urlOf(host, server.port ?? port),
    async stop(graceSeconds) {
      if (!(await inTime(server.stop(), graceSeconds))) await server.stop(true);
    },
  };
}

import { lookup } from "node:dns/promises";
import type { Handler } from "../http/handler.ts";
import { settlesWithin } from "../async.ts";
import { type ListenOptions, type Server, urlOf } from "./server.ts";

export type { ListenOptions, Server } from "./server.ts";

/** How long a connection may be silent, or the reader of an answer take nothing, before it is cut off. */
const IDLE_SECONDS = 60;

/** Serves `handler` on Bun; fails if the port is taken or the host is not one of this machine's. */
export async function serve(handler: Handler, options: ListenOptions): Promise<Server> {
  const { host, port } = options;
  const server = await listen(handler, options);
  return {
    url: urlOf(host, server.port ?? port),
    async stop(graceSeconds) {
      if (!(await settlesWithin(server.stop(), graceSeconds))) await server.stop(true);
    },
  };
}

async function listen(
  handler: Handler,
  { host, port, isShared = false }: ListenOptions,
): Promise<Bun.Server<undefined>> {
  try {
    return Bun.serve({
      hostname: host,
      port,
      reusePort: isShared, // unless told Bun shares a port with whoever else asks for it, and says nothing
      fetch: (request) => handler(request),
      idleTimeout: IDLE_SECONDS,
      maxRequestBodySize: 2 ** 40, // the handler has the limit that is set, and says so to who passes it
      development: false, // in development an error would show its source to whoever caused it
    });
  } catch (error) {
    await lookup(host); // of a name that cannot be resolved Bun says only that an argument is invalid
    throw error;
  }
}

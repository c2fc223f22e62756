import type { Awaitable } from "../async.ts";
import type { Handler } from "../http/handler.ts";

/** Address to listen on. */
export interface ListenOptions {
  /** Host name or address. */
  host: string;
  /** Port from 1 to 65535, or 0 for any free port. */
  port: number;
  /** True if other threads listen on the port too, on Bun: the system spreads connections. Default: false. */
  isShared?: boolean;
}

/** Server that listens. */
export interface Server {
  /** URL without a slash at its end. */
  readonly url: string;

  /**
   * Accepts no more connections, and closes each connection when its requests are answered. Requests that are
   * not answered after `graceSeconds` are disconnected. Resolves when no connection is left.
   */
  stop(graceSeconds: number): Promise<void>;
}

/** Serves a handler on a socket. Throws or rejects if the port is taken or the address cannot be used. */
export type Serve = (handler: Handler, options: ListenOptions) => Awaitable<Server>;

/** Returns the URL of `host`, which may be an IPv6 address, and `port`, without a slash at its end. */
export function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

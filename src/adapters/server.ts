import type { Awaitable } from "../async.ts";
import type { Handler } from "../http/handler.ts";

/** Where to listen. */
export interface ListenOptions {
  /** A host name or an address. */
  host: string;
  /** 0 for any that is free. */
  port: number;
  /** Whether other threads listen there too, for the system to spread connections over; on Bun alone. */
  isShared?: boolean;
}

/** A server that is listening. */
export interface Server {
  /** Without a slash at the end. */
  readonly url: string;

  /**
   * Takes no more connections, and closes each one there is when its requests are answered; what is not
   * answered after `graceSeconds` is cut off. Resolves when no connection is left.
   */
  stop(graceSeconds: number): Promise<void>;
}

/** Carries a handler to a socket. Throws or rejects if the port is taken or the address cannot be listened on. */
export type Serve = (handler: Handler, options: ListenOptions) => Awaitable<Server>;

/** The URL of `host`, which may be an IPv6 address, and `port`; without a slash at the end. */
export function urlOf(host: string, port: number): string {
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

import { type Awaitable, whenReady } from "../async/awaitable.ts";
import { answerError, type Handler } from "../http/handler.ts";
import { Problem } from "../http/response/problem.ts";
import { socketOf } from "../settings/hosts.ts";

/**
 * Seconds after which a connection is closed whose client sends nothing, or on Bun does not read its answer.
 * Balancers close theirs earlier.
 */
export const IDLE_SECONDS = 60;

/** Address to listen on. */
export interface ListenOptions {
  /** Host name or address; `unix:PATH` for a Unix socket to make; on Node also `fd:N` for an open socket. */
  host: string;
  /** Port from 1 to 65535, or 0 for any free port. Without effect for another socket. */
  port: number;
  /** True if other threads listen on the port too, on Bun: the system spreads connections. Default: false. */
  isShared?: boolean | undefined;
}

/** Server that listens. */
export interface Server {
  /** URL without a slash at its end; for another socket than of a port, the host. */
  readonly url: string;

  /** Closes each connection after the answer to its next request. New connections are still accepted. */
  drain(): void;

  /**
   * Accepts no more connections, and closes each connection when its requests are answered. Requests that are
   * not answered after `graceSeconds` are disconnected. Resolves when no connection is left.
   */
  stop(graceSeconds: number): Promise<void>;
}

/** Serves a handler on a socket. Throws or rejects if the port is taken or the address cannot be used. */
export type Serve = (handler: Handler, options: ListenOptions) => Awaitable<Server>;

/** Returns the URL of `host` and `port`, without a slash at its end. That of another socket is `host`. */
export function urlOf(host: string, port: number | undefined): string {
  if (socketOf(host) !== undefined) return host;
  return `http://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/** @throws {RangeError} if `host` is an open socket, which only Node can serve. */
export function socketPathOf(host: string): string | undefined {
  const socket = socketOf(host);
  if (socket !== undefined && "fd" in socket) throw new RangeError(`${host} requires Node`);
  return socket?.path;
}

/** Answers a request without one valid `Host` (RFC 9112 §3.2). */
export function refuseHost(request: Pick<Request, "method" | "headers">): Response {
  return answerError(request, new Problem(400, "The request needs one valid Host"));
}

/** Adds a switch to a handler. After `drain`, each answer closes its connection (RFC 9112 §9.6). */
export function drainable(handler: Handler): { handle: Handler; drain: () => void } {
  let isDraining = false;
  return {
    handle: (request) => (isDraining ? whenReady(handler(request), closing) : handler(request)),
    drain() {
      isDraining = true;
    },
  };
}

function closing(answer: Response): Response {
  answer.headers.set("connection", "close");
  return answer;
}

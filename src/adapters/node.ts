/**
 * Serves a handler on Node, and stops without losing an answer.
 *
 * @example
 * ```ts
 * import { createHandler, ShardedStore } from "playcount";
 * import { serve } from "playcount/node";
 *
 * const server = await serve(createHandler(new ShardedStore()), { host: "127.0.0.1", port: 0 });
 * server.url; // for example http://127.0.0.1:40123
 * await server.stop(10);
 * ```
 *
 * @module
 */

import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setImmediate } from "node:timers/promises";
import { resolvesWithin } from "../async/timing.ts";
import { type Handler, answerError } from "../http/handler.ts";
import { isHost } from "../http/request/target.ts";
import { socketOf } from "../settings/hosts.ts";
import { bodyOf, type IncomingBody } from "./node/body.ts";
import { Connections } from "./node/connections.ts";
import { IDLE_SECONDS, type ListenOptions, refuseHost, type Server, urlOf } from "./server.ts";

export type { ListenOptions, Server } from "./server.ts";

/**
 * Serves `handler` on Node.
 *
 * @throws {Error} if the port is taken, or `host` is not an address of this machine.
 *
 * @example
 * ```ts
 * import { createHandler, ShardedStore } from "playcount";
 * import { serve } from "playcount/node";
 *
 * const handler = createHandler(new ShardedStore());
 * const server = await serve(handler, { host: "127.0.0.1", port: 0 });
 * server.url; // for example http://127.0.0.1:40123
 * const answer = await fetch(`${server.url}/song/1`, { method: "POST" });
 * await answer.text(); // "1"
 * await server.stop(1);
 * ```
 */
export async function serve(handler: Handler, { host, port }: ListenOptions): Promise<Server> {
  const server = createServer({ keepAliveTimeout: IDLE_SECONDS * 1000 });
  const connections = new Connections(server, toListener(handler));
  server.listen(socketOf(host) ?? { port, host });
  await once(server, "listening"); // rejects if the port is taken
  return {
    url: urlOf(host, (server.address() as AddressInfo).port),
    drain: () => connections.drain(),
    async stop(graceSeconds) {
      const closed = once(server, "close");
      connections.stop();
      if (await resolvesWithin(closed, graceSeconds)) return;
      server.closeAllConnections();
      await closed;
    },
  };
}

/**
 * Returns a listener of `node:http` that passes requests to a `fetch` handler. Its promise never rejects.
 *
 * @example
 * ```ts
 * import { createServer } from "node:http";
 * import { createHandler, ShardedStore } from "playcount";
 * import { toListener } from "playcount/node";
 *
 * const server = createServer(toListener(createHandler(new ShardedStore())));
 * server.listen(8000, "127.0.0.1");
 * server.close();
 * ```
 */
export function toListener(
  handler: Handler,
): (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void> {
  return async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) gone.abort();
    });
    const body = hasBody(incoming) ? bodyOf(incoming) : undefined;
    try {
      await send(await answer(handler, incoming, { signal: gone.signal, body }), outgoing, gone.signal);
    } catch (error) {
      // Destroyed, not ended: the client must not take a part for the whole.
      outgoing.destroy();
      if (!gone.signal.aborted && (error as Error).name !== "AbortError") console.error(error);
    }
    // A request that is answered before its body has arrived must not delay the next one on the connection.
    body?.drop();
  };
}

async function answer(
  handler: Handler,
  incoming: IncomingMessage,
  { signal, body }: { signal: AbortSignal; body: IncomingBody | undefined },
): Promise<Response> {
  const { rawHeaders, method = "GET" } = incoming;
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2)
    headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
  const url = urlFor(incoming);
  if (url === undefined) return refuseHost({ method, headers });
  try {
    const init = { method, headers, signal, body: body?.stream ?? null, duplex: "half" as const };
    return await handler(toRequest(url, init));
  } catch (error) {
    return answerError({ method, headers }, error);
  }
}

/**
 * Returns the requested URL, or undefined if `Host` is missing or malformed. The handler refuses two `Host`s.
 */
function urlFor({ url = "/", headers }: IncomingMessage): string | undefined {
  const absolute =
    url.startsWith("/") || url === "*" ? `http://${headers.host}/${url.replace(/^\//, "")}` : url;
  if (!isHost(headers.host ?? "")) return undefined;
  const { username, password } = URL.parse(absolute) ?? {};
  return username === "" && password === "" ? absolute : undefined; // a Request takes no user, nor should we
}

function hasBody({ headers, method }: IncomingMessage): boolean {
  const { "transfer-encoding": coding, "content-length": length = "0" } = headers;
  return (coding !== undefined || length !== "0") && !["GET", "HEAD", "TRACE"].includes(method ?? "");
}

/** Makes a request, also of TRACE: a browser may not send it, so neither may a Request. */
function toRequest(url: string, init: RequestInit & { method: string }): Request {
  const { method } = init;
  if (method !== "TRACE") return new Request(url, init);
  return Object.defineProperty(new Request(url, { ...init, method: "GET" }), "method", { value: method });
}

async function send(response: Response, outgoing: ServerResponse, signal: AbortSignal): Promise<void> {
  outgoing.statusCode = response.status;
  outgoing.setHeaders(response.headers);
  if (response.body === null) outgoing.end();
  else if (outgoing.req.method === "HEAD") await response.body.cancel().finally(() => outgoing.end());
  else await sendBody(response.body, outgoing, signal);
}

/** Sends a body, and reads on only when the client has taken the last piece. Holds two pieces at most. */
async function sendBody(
  body: ReadableStream<Uint8Array>,
  outgoing: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const reader = body.getReader();
  const cancel = () => reader.cancel().catch(() => {});
  if (signal.aborted) return cancel();
  signal.addEventListener("abort", cancel);
  reader.closed.catch(() => outgoing.destroy()); // also while a piece waits for the client
  const first = await reader.read();
  const second = reader.read();
  // Node states the length of a body that ends in one piece. A piece that may not be the last is sent without
  // waiting for the next one, because it may be an event that the client waits for.
  const isWhole = await Promise.race([second.then(({ done }) => done), setImmediate(false)]);
  if (!isWhole) {
    await write(first.value, outgoing, signal);
    for (let piece = await second; !piece.done; piece = await reader.read())
      await write(piece.value, outgoing, signal);
  }
  outgoing.end(isWhole ? first.value : undefined);
}

async function write(piece: unknown, outgoing: ServerResponse, signal: AbortSignal): Promise<void> {
  if (!outgoing.write(piece)) await once(outgoing, "drain", { signal });
}

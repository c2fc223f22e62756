import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { type Handler, refuse } from "../handler.ts";
import { Problem } from "../problem.ts";
import { isHost } from "../target.ts";
import { inTime, type ListenOptions, type Server, urlOf } from "./server.ts";

/** Serves `handler` on Node. */
export async function serve(handler: Handler, { host, port }: ListenOptions): Promise<Server> {
  const server = createServer(toListener(handler));
  server.listen(port, host);
  await once(server, "listening"); // rejects if the port is taken
  return {
    url: urlOf(host, (server.address() as AddressInfo).port),
    async stop(graceSeconds) {
      const closed = once(server, "close");
      server.close();
      if (await inTime(closed, graceSeconds)) return;
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Makes a `fetch` handler a listener of `node:http`. */
export function toListener(
  handler: Handler,
): (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void> {
  return async (incoming, outgoing) => {
    const gone = new AbortController();
    outgoing.once("close", () => gone.abort());
    try {
      await send(await answer(handler, incoming, gone.signal), outgoing, gone.signal);
    } catch (error) {
      // Broken off, not ended: the client must not take a part for the whole.
      outgoing.destroy();
      if (!gone.signal.aborted) console.error(error);
    }
  };
}

function answer(handler: Handler, incoming: IncomingMessage, signal: AbortSignal): ReturnType<Handler> {
  const { rawHeaders, method = "GET" } = incoming;
  const headers = new Headers();
  for (let at = 0; at < rawHeaders.length; at += 2)
    headers.append(rawHeaders[at] ?? "", rawHeaders[at + 1] ?? "");
  const url = urlFor(incoming);
  if (url === undefined)
    return refuse({ method, headers }, new Problem(400, "The request needs one valid Host"));
  return handler(toRequest(incoming, url, { method, headers, signal }));
}

/** The URL that was asked for, unless `Host` is missing or broken. Of two the first counts; the handler sees both. */
function urlFor({ url = "/", headers }: IncomingMessage): string | undefined {
  const absolute =
    url.startsWith("/") || url === "*" ? `http://${headers.host}/${url.replace(/^\//, "")}` : url;
  return isHost(headers.host ?? "") && URL.canParse(absolute) ? absolute : undefined;
}

function toRequest(incoming: IncomingMessage, url: string, init: RequestInit & { method: string }): Request {
  const { method } = init;
  const length = incoming.headers["content-length"];
  const hasBody =
    incoming.headers["transfer-encoding"] !== undefined || (length !== undefined && length !== "0");
  if (hasBody && method !== "GET" && method !== "HEAD") {
    Object.assign(init, { body: Readable.toWeb(incoming), duplex: "half" });
  }
  // A browser may not send TRACE, so neither may a Request, but a server receives it.
  if (method !== "TRACE") return new Request(url, init);
  return Object.defineProperty(new Request(url, { ...init, method: "GET", body: null }), "method", {
    value: method,
  });
}

async function send(response: Response, outgoing: ServerResponse, signal: AbortSignal): Promise<void> {
  outgoing.statusCode = response.status;
  for (const [name, value] of response.headers) {
    if (name !== "set-cookie") outgoing.setHeader(name, value);
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader("set-cookie", cookies);
  if (response.body === null) outgoing.end();
  else if (outgoing.req.method === "HEAD") await Promise.all([response.body.cancel(), outgoing.end()]);
  else await sendBody(response.body, outgoing, signal);
}

/** Reads on only when the client has taken what was sent. Holds two pieces at most. */
async function sendBody(
  body: ReadableStream<Uint8Array>,
  outgoing: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const reader = body.getReader();
  signal.addEventListener("abort", () => reader.cancel().catch(() => {}));
  let { done, value } = await reader.read();
  while (!done) {
    const next = await reader.read();
    // Node knows the length of what is ended in one piece, and states it.
    if (next.done) break;
    if (!outgoing.write(value)) await once(outgoing, "drain", { signal });
    ({ done, value } = next);
  }
  outgoing.end(value);
}

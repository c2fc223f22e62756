import process from "node:process";
import { serve } from "../../src/adapters/node.ts";

// A server on Node whose handler does, by path, what a bridge must cope with, and reports the result.
const PIECE = new Uint8Array(64 * 1024);

/** Events by name: `GET /event/NAME` is answered when the event has happened. */
const events = new Map<string, PromiseWithResolvers<void>>();
let handled = 0;
let pulls = 0;

const ACTIONS: Readonly<Record<string, (request: Request, name: string) => Promise<Response> | Response>> = {
  hello: () => new Response("hello"),
  method: ({ method }) => new Response(method),
  echo: async (request) => new Response(`${request.method} ${await request.text()}`),
  status: (_, status) => new Response(null, { status: Number(status) }),
  cookies: () => {
    const headers = new Headers({ "x-other": "1" });
    headers.append("set-cookie", "a=1, b");
    headers.append("set-cookie", "c=2");
    return new Response("", { headers });
  },
  pulls: () => new Response(String(pulls)),
  endless,
  "late-endless": async (request) => {
    const response = endless(request);
    event("late").resolve();
    await event("answer").promise;
    return response;
  },
  large: () => new Response("x".repeat(20_000_000)),
  slow: () => new Response(slow()),
  torn: () => new Response(torn()),
  throws: () => {
    throw new Error("secret");
  },
  rejects: () => Promise.reject(new Error("secret")),
  // A handler in JavaScript may return nothing.
  nothing: () => undefined as unknown as Response,
  early: () => new Response("too large", { status: 413 }),
  "early-locked": async ({ body }) => {
    await body?.getReader().read();
    return new Response("too large", { status: 413 });
  },
  "early-cancelled": async ({ body }) => {
    const reader = body?.getReader();
    await reader?.read();
    await reader?.cancel();
    return new Response("too large", { status: 413 });
  },
  "late-reader": lateReader,
  "held-until-stop": async () => {
    await event("stop").promise;
    return new Response("held");
  },
  fire: (_, name) => {
    event(name).resolve();
    return new Response(name);
  },
  event: async (_, name) => {
    await event(name).promise;
    return new Response(name);
  },
};

function event(name: string): PromiseWithResolvers<void> {
  const found = events.get(name) ?? Promise.withResolvers<void>();
  events.set(name, found);
  return found;
}

function notFound(): Response {
  return new Response(null, { status: 404 });
}

function endless({ signal }: Request): Response {
  signal.addEventListener("abort", () => event("aborted").resolve());
  const pull = (controller: ReadableStreamDefaultController) => {
    pulls++;
    controller.enqueue(PIECE);
  };
  return new Response(new ReadableStream({ pull, cancel: () => event("cancelled").resolve() }));
}

/** Yields a piece, and another after the event `second`. */
async function* slow(): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode("first");
  await event("second").promise;
  yield new TextEncoder().encode("second");
}

/** Yields a piece, and throws after the event `tear`. */
async function* torn(): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode("part");
  await event("tear").promise;
  throw new Error("secret");
}

async function lateReader({ body }: Request): Promise<Response> {
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  let bytes = 0;
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      bytes += piece.value.length;
      event("reading").resolve();
      await event("read").promise;
    }
  } catch (error) {
    event(`broken ${(error as Error).name}`).resolve();
  }
  return new Response(String(bytes));
}

const server = await serve(
  (request) => {
    handled++;
    const [, action = "", name = ""] = decodeURIComponent(new URL(request.url).pathname).split("/");
    return (ACTIONS[action] ?? notFound)(request, name);
  },
  { host: "127.0.0.1", port: 0 },
);
process.once("SIGTERM", async () => {
  const stopped = server.stop(3600);
  event("stop").resolve();
  await stopped;
  console.log(`handled ${handled}`);
});
console.log(`Node ${process.version} at ${server.url}\n`);

/**
 * `bun constant-server.ts PORT BODY ceiling|floor` answers every request with BODY and the headers of a
 * count, from one shared init.
 *
 * The ceiling looks at nothing of a request: no server on Bun costs less. The floor looks at everything that
 * the contract depends on, as a server that keeps the contract must.
 */
import process from "node:process";

const [port, body, kind] = process.argv.slice(2);
const init = {
  headers: new Headers({
    "content-type": "text/plain;charset=utf-8",
    vary: "Accept",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    fold: "0",
  }),
};

const READ_ALWAYS = ["host", "origin", "accept", "if-match", "if-none-match"];
const READ_OF_POST = ["sec-fetch-site", "idempotency-key", "prefer"];

/** Receives the values. Exported, so that no compiler leaves out reading them. */
export let seen: unknown;

function lookAt({ url, method, headers }: Request): void {
  seen = url;
  for (const name of READ_ALWAYS) seen = headers.get(name);
  if (method === "POST") for (const name of READ_OF_POST) seen = headers.get(name);
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  development: false,
  fetch:
    kind === "ceiling"
      ? () => new Response(body, init)
      : (request) => {
          lookAt(request);
          if (request.method === "POST") seen = request.body;
          return new Response(body, init);
        },
});

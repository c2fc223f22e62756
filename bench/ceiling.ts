/**
 * The least that a server on Bun can do: `bun ceiling.ts PORT BODY` answers everything with BODY and the headers
 * of a count, made in the fastest way there is, from one shared init.
 */
import process from "node:process";

const [port, body] = process.argv.slice(2);
const init = {
  headers: new Headers({
    "content-type": "text/plain;charset=utf-8",
    vary: "Accept",
    "cache-control": "no-store",
    fold: "0", // as an answer to POST has it
  }),
};

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  fetch: () => new Response(body, init),
  development: false,
});

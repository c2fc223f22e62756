import { fdatasync, openSync, write } from "node:fs";
import process from "node:process";
import { promisify } from "node:util";

// What a disk allows: a server that appends each play to a file, all that come while the disk is at work together, and
// answers when they are on it. It reads nothing back and checks nothing.
const [port, path] = process.argv.slice(2);
const [writeAll, sync] = [promisify(write), promisify(fdatasync)];
const file = openSync(String(path), "a");
const init = { headers: { "content-type": "text/plain;charset=utf-8", "cache-control": "no-store" } };
let waiting: (() => void)[] = [];
let plays = 0;
let isAtWork = false;

async function work(): Promise<void> {
  isAtWork = true;
  while (waiting.length > 0) {
    const taken = waiting;
    waiting = [];
    await writeAll(file, "1\n".repeat(taken.length));
    await sync(file);
    for (const answer of taken) answer();
  }
  isAtWork = false;
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  async fetch(request) {
    if (request.method !== "POST") return new Response(String(plays), init);
    const durable = new Promise<void>((resolve) => waiting.push(resolve));
    if (!isAtWork) void work();
    await durable;
    return new Response(String(++plays), init);
  },
});

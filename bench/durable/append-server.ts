/**
 * `bun append-server.ts PORT PATH` appends a line for each play to a file, and answers when it is synced: the
 * limit of the disk. All plays that arrive during a sync share the next one. Nothing is read back or checked.
 */
import { fdatasync, openSync, write } from "node:fs";
import process from "node:process";
import { promisify } from "node:util";

const [port, path] = process.argv.slice(2);
const [append, sync] = [promisify(write), promisify(fdatasync)];
const file = openSync(String(path), "a");
const init = { headers: { "content-type": "text/plain;charset=utf-8", "cache-control": "no-store" } };
let pending: (() => void)[] = [];
let plays = 0;
let isCommitting = false;

async function commit(): Promise<void> {
  isCommitting = true;
  while (pending.length > 0) {
    const group = pending;
    pending = [];
    await append(file, "1\n".repeat(group.length));
    await sync(file);
    for (const resolve of group) resolve();
  }
  isCommitting = false;
}

Bun.serve({
  hostname: "127.0.0.1",
  port: Number(port),
  async fetch(request) {
    if (request.method !== "POST") return new Response(String(plays), init);
    const synced = new Promise<void>((resolve) => pending.push(resolve));
    if (!isCommitting) void commit();
    await synced;
    return new Response(String(++plays), init);
  },
});

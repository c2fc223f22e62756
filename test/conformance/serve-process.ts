import process from "node:process";
import { whenParsed } from "../../src/adapters/bun.ts";
import type { Serve } from "../../src/adapters/server.ts";
import { environmentLookup } from "../../src/settings/environment.ts";
import { readSettings } from "../../src/settings/settings.ts";
import { openDurable } from "../../src/store/durable/entry.ts";
import { openRedis } from "../../src/store/redis/entry.ts";
import { createHandler } from "../../src/http/handler.ts";
import type { CountStore } from "../../src/store/count-store.ts";
import { ShardedStore } from "../../src/store/memory/sharded-store.ts";
import { identify } from "./identify.ts";

// The server under test on Bun, Deno and Node. The first argument names the adapter. The server listens on
// any free port,
// and keeps its counts in the folder or in the Redis of the settings.
const { serve } = (await import(`../../src/adapters/${process.argv[2]}.ts`)) as { serve: Serve };
const settings = readSettings(environmentLookup(process.env));
const waits = process.argv[2] === "bun" && settings.data + settings.store !== "";
const options = { trustsLength: true, whenParsed: waits ? whenParsed : undefined };
const handler = createHandler(await open(), { ...settings, ...options });
const server = await serve(identify(handler), {
  host: "127.0.0.1",
  port: 0,
});
console.log(server.url);

async function open(): Promise<CountStore> {
  if (settings.store !== "") return await openRedis({ ...settings, log: undefined });
  return settings.data === "" ? new ShardedStore(settings) : await openDurable(settings);
}

import process from "node:process";
import type { Serve } from "../../src/adapters/server.ts";
import { fromEnvironment, readSettings } from "../../src/config.ts";
import { createHandler } from "../../src/handler.ts";
import { ShardedStore } from "../../src/store/sharded-store.ts";
import { identify } from "./identify.ts";

// The server under test on Bun, Deno and Node: the adapter that is named by the first argument, on any free port.
const { serve } = (await import(`../../src/adapters/${process.argv[2]}.ts`)) as { serve: Serve };
const settings = readSettings(fromEnvironment(process.env));
const handler = createHandler(new ShardedStore(settings), { ...settings, trustsLength: true });
const server = await serve(identify(handler), {
  host: "127.0.0.1",
  port: 0,
});
console.log(server.url);

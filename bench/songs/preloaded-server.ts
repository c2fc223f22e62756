/**
 * `bun preloaded-server.ts PORT SONGS` is playcount with its defaults, with SONGS songs before it listens:
 * millions of requests would take too long.
 */
import process from "node:process";
import { serve } from "../../src/adapters/bun.ts";
import { createHandler } from "../../src/http/handler.ts";
import { ShardedStore } from "../../src/store/memory/sharded-store.ts";
import { songId } from "../harness/song-id.ts";
import { initialPlays } from "./initial-plays.ts";

const [port = 0, songs = 0] = process.argv.slice(2).map(Number);
const store = new ShardedStore();
for (let song = 0; song < songs; song++) store.add(songId(song), initialPlays(song));
// Memory that loading left free would hide what a request uses.
Bun.gc(true);
await serve(createHandler(store, { trustsLength: true }), { host: "127.0.0.1", port });

/**
 * `bun filled-server.ts PORT SONGS` is playcount with its defaults, and has SONGS songs when it begins to listen:
 * sending millions one by one would take too long.
 */
import process from "node:process";
import { serve } from "../../src/adapters/bun.ts";
import { createHandler } from "../../src/http/handler.ts";
import { ShardedStore } from "../../src/store/memory/sharded-store.ts";
import { songId } from "../song-id.ts";
import { playsAtFirst } from "./plays.ts";

const [port = 0, songs = 0] = process.argv.slice(2).map(Number);
const store = new ShardedStore();
for (let song = 0; song < songs; song++) store.add(songId(song), playsAtFirst(song));
// What filling left behind is not to be taken for room that a request may use.
Bun.gc(true);
await serve(createHandler(store, { trustsLength: true }), { host: "127.0.0.1", port });

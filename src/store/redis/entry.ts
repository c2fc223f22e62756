/**
 * Counts in Redis, shared by any number of servers, for a handler of your own. Needs Bun.
 *
 * @example
 * ```ts
 * import { openRedis } from "playcount/redis";
 *
 * const store = await openRedis({ store: "redis://localhost:6379", storePrefix: "example" });
 * (await store.add("1", 3)).count; // 3
 * store.close();
 * ```
 *
 * @module
 */

import { completeSettings, type GivenSettings } from "../../settings/settings.ts";
import type { CountStore } from "../count-store.ts";

/** Options of {@linkcode openRedis}: the settings of the same names, with the same defaults. */
export interface RedisStoreOptions extends GivenSettings<
  | "storePassword"
  | "storePrefix"
  | "storeTimeout"
  | "shards"
  | "waitReplicas"
  | "maxSongs"
  | "maxIdBytes"
  | "maxFolds"
  | "maxWriters"
  | "maxWaiting"
> {
  /** Address of Redis, as in `redis://localhost:6379`. */
  store: string;
  /** Receives lines for the operator. Default: writes them to standard error. */
  log?: ((line: string) => void) | undefined;
}

/** Counts in Redis. */
export interface OpenRedisStore extends CountStore {
  /** Closes the connections. Every answered play is in Redis without it. */
  close(): void;
}

/**
 * Opens counts in Redis, for a handler of this process. Waits until Redis answers. Needs Bun.
 *
 * @throws {RangeError} for an option out of its range, or if the counts were created with other settings.
 * @throws {Error} on other runtimes than Bun.
 *
 * @example
 * ```ts
 * import { createHandler } from "playcount";
 * import { openRedis } from "playcount/redis";
 *
 * const store = await openRedis({ store: "redis://localhost:6379" });
 * const handle = createHandler(store);
 * const answer = await handle(new Request("http://localhost/song/1", { method: "POST" }));
 * await answer.text(); // "1"
 * store.close();
 * ```
 */
export async function openRedis({ log, ...options }: RedisStoreOptions): Promise<OpenRedisStore> {
  if (!("Bun" in globalThis)) throw new Error("playcount/redis requires Bun: it uses Bun's client for Redis");
  const settings = completeSettings(options);
  if (settings.store === "") throw new RangeError("store must be the address of Redis, and is empty");
  const redis = await import("./open.ts"); // other runtimes cannot import the text of scripts
  return (await redis.openRedis(settings, log ?? ((line) => console.error(`playcount: ${line}`)))).store;
}

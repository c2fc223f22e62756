import { completeSettings } from "../../../../src/settings/settings.ts";
import { openRedis } from "../../../../src/store/redis/open.ts";
import type { RedisStore } from "../../../../src/store/redis/redis-store.ts";
import type { StoreOptions } from "../../../../src/mod.ts";
import { stopLater } from "./clean-up.ts";

/** Settings for the tests of a store. */
interface Options extends StoreOptions {
  /** Prefix of the keys. Default: a unique one. */
  storePrefix?: string;
  storePassword?: string;
  shards?: number;
  storeTimeout?: number;
  maxWaiting?: number;
}

/**
 * Opens counts in Redis, by default in 16 shards, and waits until they are available. Log lines go to `told`.
 */
export async function openStore(
  store: string,
  options: Options = {},
  told: string[] = [],
): Promise<RedisStore> {
  const defaults = { shards: 16, storeTimeout: 10_000, storePrefix: crypto.randomUUID() };
  const settings = completeSettings({ ...defaults, ...options, store });
  const opened = await openRedis(settings, (line) => told.push(line));
  stopLater({ stop: () => opened.store.close() });
  while (opened.store.unavailableBecause !== undefined) await Bun.sleep(1);
  return opened.store;
}

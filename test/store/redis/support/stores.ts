import { readSettings } from "../../../../src/settings/settings.ts";
import { openRedis } from "../../../../src/store/redis/open.ts";
import type { RedisStore } from "../../../../src/store/redis/redis-store.ts";
import type { StoreOptions } from "../../../../src/mod.ts";
import { stopLater } from "./clean-up.ts";

/** What the tests of a store set, besides its limits. */
interface Options extends StoreOptions {
  /** What the keys begin with: those of nobody else unless told. */
  storePrefix?: string;
  storePassword?: string;
  shards?: number;
  storeTimeout?: number;
  maxWaiting?: number;
}

/** Opens counts in Redis, in few shards unless told, and waits until they can be used; `told` gets what it logs. */
export async function openStore(
  store: string,
  options: Options = {},
  told: string[] = [],
): Promise<RedisStore> {
  const defaults = {
    ...readSettings(() => undefined),
    shards: 16,
    storeTimeout: 10_000,
    storePrefix: crypto.randomUUID(),
  };
  const opened = await openRedis({ ...defaults, ...options, store }, (line) => told.push(line));
  stopLater({ stop: () => opened.store.close() });
  while (opened.store.unavailableBecause !== undefined) await Bun.sleep(1);
  return opened.store;
}

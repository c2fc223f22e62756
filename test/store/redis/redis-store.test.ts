import { afterAll, beforeAll, describe, setDefaultTimeout } from "bun:test";
import type { CountStore, StoreOptions } from "../../../src/mod.ts";
import { testCountStore } from "../contract.ts";
import { stopAll } from "./support/clean-up.ts";
import { RedisCluster } from "./support/redis-cluster.ts";
import { lacksRedis, RedisServer } from "./support/redis-server.ts";
import { openStore } from "./support/stores.ts";

setDefaultTimeout(300_000);

afterAll(stopAll);

const TRAITS = { keepsBatchAnswers: false, clearsOnCondition: false };

/** Opens a store. With a limit of songs it has a single shard, because only that has an exact limit. */
function open(url: string, options: StoreOptions): Promise<CountStore> {
  return openStore(url, options.maxSongs === undefined ? options : { ...options, shards: 1 });
}

describe.skipIf(lacksRedis)("With Redis", () => {
  let server: RedisServer;
  let cluster: RedisCluster;

  beforeAll(async () => {
    server = await RedisServer.start();
    cluster = await RedisCluster.start({ hasReplicas: false });
  });

  testCountStore("on one server, a store", (options) => open(`redis://${server.address}`, options), TRAITS);
  testCountStore("on a cluster, a store", (options) => open(cluster.url, options), TRAITS);
});

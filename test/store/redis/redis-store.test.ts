import { afterAll, beforeAll, describe, setDefaultTimeout } from "bun:test";
import { testCountStore } from "../contract.ts";
import { stopAll } from "./support/clean-up.ts";
import { RedisCluster } from "./support/redis-cluster.ts";
import { lacksRedis, RedisServer } from "./support/redis-server.ts";
import { openStore } from "./support/stores.ts";

setDefaultTimeout(300_000);

afterAll(stopAll);

describe.skipIf(lacksRedis)("With Redis", () => {
  let server: RedisServer;
  let cluster: RedisCluster;

  beforeAll(async () => {
    server = await RedisServer.start();
    cluster = await RedisCluster.start({ hasReplicas: false });
  });

  testCountStore("on one server, a store", (options) => openStore(`redis://${server.address}`, options));
  testCountStore("on a cluster, a store", (options) => openStore(cluster.url, options));
});

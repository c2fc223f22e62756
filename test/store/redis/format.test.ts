import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { stopAll } from "./support/clean-up.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { openStore } from "./support/stores.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

testWithRedis("Counts of another version are refused, and stay as they are", async () => {
  const redis = await RedisServer.start();
  const url = `redis://${redis.address}`;
  await redis.ask("HSET", "{plays}", "shards", 16, "writers", 1, "seed", "1:2", "name", "old");
  const before = await redis.ask("HGETALL", "{plays}");
  await expect(openStore(url, { storePrefix: "plays" })).rejects.toThrow(
    new RangeError(
      "the counts of plays in Redis have the format of another version: use that, or another --store-prefix",
    ),
  );
  expect(await redis.ask("HGETALL", "{plays}")).toEqual(before);
  await openStore(url, { storePrefix: "others" });
  await openStore(url, { storePrefix: "others" });
});

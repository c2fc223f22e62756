import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { maxShardSongs } from "../../../src/store/redis/shards/layout.ts";
import { listed, reasonOf } from "../contract/support.ts";
import { stopAll } from "./support/clean-up.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { openStore } from "./support/stores.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

test.each([
  [10_000_000, 128, 78_125 + 839],
  [100_000_000, 128, 781_250 + 7813],
  [1000, 1, 1000],
  [0, 128, 0],
])("The limit of a shard, with maxSongs %p in %p shards, is %p", (maxSongs, shards, limit) => {
  expect(maxShardSongs(maxSongs, shards)).toBe(limit);
});

testWithRedis("Songs are refused past the limit of their shard, and known ones go on counting", async () => {
  const redis = await RedisServer.start();
  const [shards, maxSongs] = [16, 1600];
  const store = await openStore(`redis://${redis.address}`, { storePrefix: "shared", shards, maxSongs });
  const limit = maxShardSongs(maxSongs, shards);
  expect(limit).toBe(130);
  const ids = Array.from({ length: 4000 }, (_, n) => `song-${n}`);
  const reasons = await Promise.all(ids.map((id) => reasonOf(() => store.add(id, 1))));
  const counted = ids.filter((_, at) => reasons[at] === undefined);
  expect(new Set(reasons)).toEqual(new Set([undefined, "full"]));
  expect(counted.length).toBe(shards * limit); // each shard is full to the last song
  expect((await store.figures()).songs).toBe(counted.length);
  await store.addAll(new Map(counted.map((id) => [id, 1])));
  expect(await reasonOf(() => store.addAll(new Map([...counted, "new"].map((id) => [id, 1]))))).toBe("full");
  expect(new Set((await listed(store)).map(([, count]) => count))).toEqual(new Set([2]));
  // Songs of sealed folds are still there, and their shards still full.
  await store.seal(1);
  expect(await reasonOf(() => store.add("new", 1))).toBe("full");
  expect(await reasonOf(() => store.add(counted[0] as string, 1))).toBeUndefined();
  await store.acknowledge(1); // only the last play is not in it
  expect((await store.figures()).songs).toBe(1);
  await store.seal(2);
  await store.acknowledge(2);
  expect((await store.figures()).songs).toBe(0);
  expect(await reasonOf(() => store.add("new", 1))).toBeUndefined();
});

import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { stopAll } from "./support/clean-up.ts";
import { Interposer, mayCount } from "./support/interposer.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { openStore } from "./support/stores.ts";

setDefaultTimeout(60_000);
afterEach(stopAll);

testWithRedis("Songs that are read together take one command, also after a fold", async () => {
  const redis = await RedisServer.start();
  const interposer = await Interposer.start(Number(redis.address.split(":")[1]));
  const store = await openStore(interposer.url, { storePrefix: "shared" });
  const other = await openStore(`redis://${redis.address}`, { storePrefix: "shared" });
  const ids = Array.from({ length: 100 }, (_, n) => `song-${n}`);
  await other.addAll(new Map(ids.map((id) => [id, 2])));
  let scripts = 0;
  interposer.fate = (words) => {
    if (mayCount(words) && words.some((word) => word === "count")) scripts++;
    return "well";
  };
  expect(await store.getAll(ids)).toEqual(ids.map(() => 2));
  expect(await store.getAll(ids)).toEqual(ids.map(() => 2));
  expect(scripts).toBe(2);
  await other.seal(1);
  expect(await store.getAll(ids)).toEqual(ids.map(() => 2));
  expect(scripts).toBe(4); // the first one has learned the heads
});

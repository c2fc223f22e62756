import { afterEach, expect, setDefaultTimeout } from "bun:test";
import type { CountStore } from "../../../src/mod.ts";
import { MAX_COUNT } from "../../../src/mod.ts";
import { Random } from "../../support/random.ts";
import { countOf, listed, reasonOf } from "../contract/support.ts";
import { stopAll } from "./support/clean-up.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { openStore } from "./support/stores.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

async function openTwo(): Promise<{ redis: RedisServer; one: CountStore; other: CountStore }> {
  const redis = await RedisServer.start();
  const options = { storePrefix: "shared" };
  const open = () => openStore(`redis://${redis.address}`, options);
  return { redis, one: await open(), other: await open() };
}

async function totalOf(store: CountStore): Promise<number> {
  return (await listed(store)).reduce((sum, [, count]) => sum + count, 0);
}

testWithRedis("What is cleared on a condition is what was seen, whoever plays meanwhile", async () => {
  const random = new Random("clearing");
  const { one, other } = await openTwo();
  let [counted, cleared, refused, isOver] = [0, 0, 0, false];
  const play = async () => {
    while (!isOver) {
      const plays = new Map([
        [`song-${random.below(50)}`, 1],
        [`song-${random.below(50)}`, 2],
      ]);
      if (random.chance(0.5)) {
        await other.add(`song-${random.below(50)}`, 1);
        counted++;
      } else {
        await other.addAll(plays);
        for (const more of plays.values()) counted += more;
      }
      if (random.chance(0.2)) await Bun.sleep(random.below(12));
    }
  };
  const players = Array.from({ length: 2 }, play);
  for (let clears = 0; clears < 40;) {
    const version = await one.version;
    const seen = await totalOf(one);
    const isCleared = await one.clear((now) => now !== version);
    if (isCleared) cleared += seen;
    else refused++;
    clears += Number(isCleared);
  }
  isOver = true;
  await Promise.all(players);
  expect(cleared + (await totalOf(one))).toBe(counted);
  expect(refused).toBeGreaterThan(0);
});

testWithRedis("Clears on a condition that come side by side are done one after the other", async () => {
  const { one, other } = await openTwo();
  for (let round = 0; round < 20; round++) {
    await one.add("a", 1);
    const clears = [one, other, one, other].map((store) => store.clear(() => false));
    expect(await Promise.all(clears)).toEqual([true, true, true, true]);
    expect(await totalOf(other)).toBe(0);
  }
});

testWithRedis("Shards that were frozen by a server that died are played again, some time later", async () => {
  const { redis, one, other } = await openTwo();
  await one.add("a", 1);
  await redis.ask("HSET", "{shared}", "under way", "freeze:7:0");
  for (let shard = 0; shard < 16; shard++) {
    const freeze =
      "redis.call('HSET', KEYS[1], '\\255h', (redis.call('HGET', KEYS[1], '\\255h') or '') .. '!7')";
    await redis.ask("EVAL", freeze, 1, `{shared:${shard}}`);
  }
  await redis.ask("SET", "{shared}:generation", "7");
  const adding = [one.add("a", 1), other.add("a", 1), other.addAll(new Map([["b", 1]]))];
  for (let look = 0; look < 50; look++) {
    expect(await one.get("a")).toBe(1); // reading waits for nobody
    await Bun.sleep(10);
  }
  await Promise.all(adding);
  expect([await one.get("a"), await other.get("b")]).toEqual([3, 1]);
  expect(await redis.ask("HGET", "{shared}", "under way")).toBeNull();
  await other.clear();
  expect(await countOf(one.add("a", 1))).toBe(1);
});

testWithRedis("Of concurrent plays of one song, those that fit below the limit are counted", async () => {
  const { one } = await openTwo();
  await one.add("a", MAX_COUNT - 3);
  const plays = [2, MAX_COUNT, 1, 5, 1];
  const reasons = await Promise.all(plays.map((more) => reasonOf(() => one.add("a", more))));
  expect(await one.get("a")).toBe(MAX_COUNT);
  const added = plays.filter((_, at) => reasons[at] === undefined);
  expect(added.reduce((sum, more) => sum + more, 0)).toBe(3);
});

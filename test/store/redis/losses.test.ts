import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { type CountStore, Refusal } from "../../../src/mod.ts";
import { UnknownOutcome } from "../../../src/store/refusal.ts";
import { listed, sealed } from "../contract/support.ts";
import { stopAll } from "./support/clean-up.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { openStore } from "./support/stores.ts";
import { until } from "./support/until.ts";

// One server of a cluster has lost data that the others have. The tests write such states by hand.

setDefaultTimeout(300_000);
afterEach(stopAll);

const WRITERS = "{shared:writers:0}";

async function open(options: { shards?: number; maxWriters?: number; maxSongs?: number } = {}): Promise<{
  redis: RedisServer;
  store: CountStore;
  another: () => Promise<CountStore>;
  told: string[];
}> {
  const redis = await RedisServer.start();
  const told: string[] = [];
  const another = () =>
    openStore(`redis://${redis.address}`, { storePrefix: "shared", maxWriters: 4000, ...options }, told);
  return { redis, store: await another(), another, told };
}

/**
 * Makes the last request of a writer one that was added and not confirmed, as after the death of a server.
 */
async function unconfirm(redis: RedisServer, writer: string): Promise<void> {
  const [seq, print] = String(await redis.ask("HGET", WRITERS, writer)).split(" ");
  const [stamp] = String(await redis.ask("HGET", "{shared:0}:adders", writer)).split(" ");
  expect(stamp).toMatch(/^\d{16}$/);
  await redis.ask("HSET", WRITERS, writer, `${seq} ${print} ? ${stamp} `);
}

testWithRedis("Requests of a writer that was forgotten are counted", async () => {
  const { redis, store } = await open();
  for (let seq = 0; seq < 5; seq++) await store.add("a", 1, { writer: "w", seq });
  await redis.ask("COPY", WRITERS, "{shared:writers:0}:old");
  for (let seq = 5; seq < 30; seq++) await store.add("a", 1, { writer: "w", seq });
  await redis.ask("COPY", "{shared:writers:0}:old", WRITERS, "REPLACE");
  for (let seq = 30; seq < 40; seq++) await store.add("a", 1, { writer: "w", seq });
  await redis.ask("DEL", WRITERS);
  for (let seq = 40; seq < 50; seq++) await store.add("a", 1, { writer: "w", seq });
  expect(await store.get("a")).toBe(50);
});

testWithRedis("A request that was not confirmed is answered as it was added, and counted once", async () => {
  const { redis, store } = await open({ shards: 1 });
  await store.seal(3);
  const key = { writer: "w", seq: 1 };
  await store.add("a", 1, key);
  await store.seal(17);
  await unconfirm(redis, "w");
  expect(await store.add("a", 1, key)).toEqual({ count: 1, fold: 3 });
  expect(await store.get("a")).toBe(1);
});

testWithRedis("A retry has an unknown outcome if no record tells whether the request was added", async () => {
  const { redis, store } = await open({ shards: 1 });
  const key = { writer: "w", seq: 1 };
  await store.add("a", 1, key);
  const [, print] = String(await redis.ask("HGET", WRITERS, "w")).split(" ");
  const [stamp] = String(await redis.ask("HGET", "{shared:0}:adders", "w")).split(" ");
  await Promise.all(Array.from({ length: 8200 }, (_, n) => store.add("a", 1, { writer: `o${n}`, seq: 1 })));
  await unconfirm(redis, "o8199");
  const after = await store.get("a");
  expect(await redis.ask("HLEN", "{shared:0}:adders")).toBeLessThan(8200);
  await redis.ask("HSET", WRITERS, "w", `1 ${print} ? ${stamp} `);
  await expect(store.add("a", 1, key)).rejects.toBeInstanceOf(UnknownOutcome);
  await store.add("a", 1, { writer: "o8199", seq: 1 });
  expect(await store.get("a")).toBe(after);
});

testWithRedis("Shared state that has lost its epoch catches up with the shards", async () => {
  const { redis, store } = await open();
  await store.clear();
  await store.add("a", 5);
  await redis.ask("HSET", "{shared}", "epoch", 0);
  for (let n = 0; n < 50; n++) await store.add(`song-${n}`, 1);
  await redis.ask("HSET", "{shared}", "epoch", 0);
  await store.seal(5);
  expect(await sealed(store, 5)).toHaveLength(51);
  await redis.ask("HSET", "{shared}", "epoch", 0);
  await store.clear();
  expect(await listed(store)).toEqual([]);
  expect(await store.add("a", 1)).toEqual({ count: 1, fold: 0 });
});

testWithRedis("Shards that have lost everything, a clear included, accept plays", async () => {
  const { redis, store } = await open();
  await store.clear();
  for (let n = 0; n < 50; n++) await store.add(`song-${n}`, 1);
  for (let shard = 0; shard < 16; shard += 2) await redis.ask("DEL", `{shared:${shard}}`);
  for (let n = 0; n < 50; n++) await store.add(`song-${n}`, 1);
  const counts = (await listed(store)).map(([, count]) => count);
  expect(counts).toHaveLength(50);
  expect(new Set(counts)).toEqual(new Set([1, 2]));
  await store.seal(1);
  expect(await sealed(store, 1)).toHaveLength(50);
});

testWithRedis("Folds are acknowledged and sealed on shards that have lost everything", async () => {
  const { redis, store, another } = await open();
  await store.clear();
  for (let n = 0; n < 50; n++) await store.add(`song-${n}`, 1);
  await store.seal(1);
  for (let shard = 0; shard < 16; shard += 2) await redis.ask("DEL", `{shared:${shard}}`);
  await store.acknowledge(1);
  const [first] = await Promise.all([store.add("song-0", 1), (await another()).add("song-1", 1)]);
  expect(first).toEqual({ count: 1, fold: 1 });
  await store.seal(2);
  expect(await sealed(store, 2)).toEqual([
    ["song-0", 1],
    ["song-1", 1],
  ]);
  await store.acknowledge(2);
  expect(await listed(store)).toEqual([]);
});

testWithRedis("After Redis has lost all data, a log line says so, and counts begin at 0", async () => {
  const { redis, store, told } = await open();
  await store.add("a", 5);
  expect(told).toEqual([]);
  await redis.ask("FLUSHALL");
  await until("a log line", () => told.length > 0);
  expect(told).toEqual(["Redis has lost data: the lost counts begin again at 0"]);
  expect(await store.add("a", 1)).toEqual({ count: 1, fold: 0 });
});

testWithRedis("An interrupted clear is completed soon, and at once by a server that starts", async () => {
  const { redis, store, another } = await open();
  for (let n = 0; n < 50; n++) await store.add(`song-${n}`, 1);
  const begin = async () => {
    const epoch = Number((await redis.ask("HGET", "{shared}", "epoch")) ?? 0);
    await redis.ask("HSET", "{shared}", "under way", `clear:${epoch + 1}:${epoch}`);
  };
  await begin();
  await until("the clear is ended", async () => (await redis.ask("HGET", "{shared}", "under way")) === null);
  expect(await listed(store)).toEqual([]);
  await store.add("a", 1);
  await begin();
  expect(await listed(await another())).toEqual([]);
});

testWithRedis("A retry of a batch adds only in the shards that have not added it", async () => {
  const { redis, store } = await open({ shards: 4 });
  const plays = new Map(Array.from({ length: 5000 }, (_, n) => [`song-${n}`, n % 3]));
  const key = { writer: "w", seq: 1 };
  const answer = await store.addAll(plays, key);
  expect(await store.addAll(plays, key)).toEqual(answer);
  await unconfirm(redis, "w");
  expect(await store.addAll(plays, key)).toEqual(answer);
  // As if the server had died before it reached the shard.
  await unconfirm(redis, "w");
  await redis.ask("HDEL", "{shared:1}:adders", "w");
  const ids = new Set((await redis.ask("HKEYS", "{shared:1}")) as string[]);
  await store.addAll(plays, key);
  const counts = new Map(await listed(store));
  expect(counts.size).toBe([...plays.values()].filter(Boolean).length);
  for (const [id, count] of counts) expect(count).toBe((plays.get(id) as number) * (ids.has(id) ? 2 : 1));
});

testWithRedis("Thousands of songs of one shard past maxSongs are refused, and none is added", async () => {
  const { store } = await open({ shards: 1, maxSongs: 3000 });
  await store.add("a", 1);
  const songs = (count: number) => new Map(Array.from({ length: count }, (_, n) => [`song-${n}`, 1]));
  await expect(store.addAll(songs(3000))).rejects.toThrow("The limit of 3000 songs is reached");
  expect(await listed(store)).toEqual([["a", 1]]);
  await store.addAll(songs(2999));
  expect(await listed(store)).toHaveLength(3000);
  await expect(store.add("one more", 1)).rejects.toThrow("The limit of 3000 songs is reached");
});

testWithRedis("Reading a fold fails when everything is cleared meanwhile", async () => {
  const { store, another } = await open();
  const other = await another();
  await store.addAll(new Map(Array.from({ length: 2000 }, (_, n) => [`song-${n}`, 1])));
  await store.seal(1);
  const reading = (async () => {
    for await (const _ of store.fold(1)) await other.clear();
  })();
  await expect(reading).rejects.toBeInstanceOf(Refusal);
});

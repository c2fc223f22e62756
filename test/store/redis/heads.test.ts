import { afterEach, expect, setDefaultTimeout } from "bun:test";
import type { CountStore } from "../../../src/mod.ts";
import { countOf, listed, sealed } from "../contract/support.ts";
import { stopAll } from "./support/clean-up.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { openStore } from "./support/stores.ts";

// One store changes the heads of shards, and another knows the old ones.

setDefaultTimeout(300_000);
afterEach(stopAll);

async function openTwo(): Promise<{ redis: RedisServer; one: CountStore; other: CountStore }> {
  const redis = await RedisServer.start();
  const open = () => openStore(`redis://${redis.address}`, { storePrefix: "shared" });
  return { redis, one: await open(), other: await open() };
}

testWithRedis("A store with outdated heads learns the current ones, and counts each play once", async () => {
  const { one, other } = await openTwo();
  let plays = 1;
  await one.add("a", 1);
  for (let fold = 1; fold <= 5; fold++) {
    await other.seal(fold);
    const songs = new Map([["a", 1]]);
    expect(await (fold % 2 === 0 ? one.addAll(songs) : one.add("a", 1))).toMatchObject({ fold });
    expect(await sealed(other, fold)).toEqual([["a", plays]]);
    await other.acknowledge(fold);
    expect(await one.get("a")).toBe(1);
    plays = 1;
  }
  await other.clear();
  expect(await countOf(one.add("a", 1))).toBe(1);
});

testWithRedis("A refused batch leaves no trace", async () => {
  const { one, other, redis } = await openTwo();
  const ids = Array.from({ length: 100 }, (_, n) => `song-${n}`);
  const all = new Map(ids.map((id) => [id, 3]));
  await one.addAll(all);
  await one.addAll(new Map([...all, ["new", 3]]));
  expect(new Map(await listed(other)).get("new")).toBe(3);
  await one.add("full", Number.MAX_SAFE_INTEGER - 1);
  const before = await listed(other);
  const fresh = ids.map((id) => [`fresh ${id}`, 3] as const);
  await expect(one.addAll(new Map([...all, ...fresh, ["full", 3]]))).rejects.toThrow("would exceed");
  expect(await listed(other)).toEqual(before);
  for (let shard = 0; shard < 16; shard++) await redis.ask("HSET", `{shared:${shard}}`, "broken", "x");
  await expect(one.addAll(new Map([...all, ["broken", 3]]))).rejects.toThrow();
  await expect(one.add("broken", 3)).rejects.toThrow();
  for (let shard = 0; shard < 16; shard++) await redis.ask("HDEL", `{shared:${shard}}`, "broken");
  expect(await listed(other)).toEqual(before);
});

testWithRedis("A shard with few songs is a table, in which Redis finds a song at once", async () => {
  const { one, redis } = await openTwo();
  const encodings = () =>
    Promise.all(
      Array.from({ length: 16 }, (_, shard) => redis.ask("OBJECT", "ENCODING", `{shared:${shard}}`)),
    );
  await one.addAll(new Map(Array.from({ length: 100 }, (_, n) => [`song-${n}`, 1])));
  expect(new Set(await encodings())).toEqual(new Set(["hashtable"]));
  await one.seal(1);
  for (let n = 0; n < 100; n++) await one.add(`song-${n}`, 1);
  expect(new Set(await encodings())).toEqual(new Set(["hashtable"]));
});

testWithRedis(
  "A refusal names the exact count, also of a batch in several scripts and near the largest number",
  async () => {
    const { one } = await openTwo();
    await one.add("a", 2);
    const others = Array.from({ length: 2000 }, (_, n) => [`song-${n}`, 1] as const);
    for (const songs of [[], others]) {
      const batch = new Map([...songs, ["a", Number.MAX_SAFE_INTEGER] as const]);
      await expect(one.addAll(batch)).rejects.toMatchObject({ members: { count: 2 } });
    }
    await expect(one.add("a", Number.MAX_SAFE_INTEGER)).rejects.toMatchObject({ members: { count: 2 } });
  },
);

testWithRedis(
  "A shard whose numbers of songs cannot be read damages no other one, and is sealed",
  async () => {
    const { one, redis } = await openTwo();
    for (let shard = 0; shard < 16; shard += 2)
      await redis.ask("EVAL", "return redis.call('HSET', KEYS[1], '\\255s', 'x')", "1", `{shared:${shard}}`);
    const ids = Array.from({ length: 100 }, (_, n) => `song-${n}`);
    await Promise.all(ids.map((id) => one.add(id, 1)));
    await Promise.all(ids.map((id) => one.add(id, 1)));
    expect((await one.figures()).songs).toBe(100);
    await one.seal(1);
    expect(await listed(one)).toEqual(ids.map((id) => [id, 2] as const).toSorted());
    await one.acknowledge(1);
    expect(await listed(one)).toEqual([]);
  },
);

testWithRedis("The loss of a shard with its head is found with the next play", async () => {
  const { one, other, redis } = await openTwo();
  await one.add("a", 1);
  await one.seal(1);
  await one.add("a", 1);
  for (let shard = 0; shard < 16; shard++) await redis.ask("DEL", `{shared:${shard}}`);
  expect(await countOf(one.add("a", 1))).toBe(1);
  expect(await other.get("a")).toBe(1);
});

testWithRedis(
  "Plays during a seal, which reaches one shard after the other, are each in one fold",
  async () => {
    const { address } = await RedisServer.start();
    const open = () => openStore(`redis://${address}`, { storePrefix: "shared", shards: 256 });
    const [one, other] = [await open(), await open()];
    const ids = Array.from({ length: 600 }, (_, n) => `song-${n}`);
    const [played, saved] = [new Map<string, number>(), new Map<string, number>()];
    const count = (counts: Map<string, number>, id: string, plays: number) =>
      counts.set(id, (counts.get(id) ?? 0) + plays);
    let isOver = false;
    const players = [one, other].map(async (store) => {
      while (!isOver) {
        const adding = ids.map(async (id) => {
          await store.add(id, 1);
          count(played, id, 1);
        });
        await Promise.all(adding);
        await store.addAll(new Map(ids.slice(0, 100).map((id) => [id, 1])));
        for (const id of ids.slice(0, 100)) count(played, id, 1);
      }
    });
    for (let fold = 1; fold <= 8; fold++) {
      await Bun.sleep(40);
      if (fold === 8) {
        isOver = true;
        await Promise.all(players);
      }
      await one.seal(fold);
      const plays = await sealed(one, fold);
      expect(new Set(plays.map(([id]) => id)).size).toBe(plays.length);
      for (const [id, more] of plays) count(saved, id, more);
      await other.acknowledge(fold);
      await one.version; // learns the heads
    }
    expect(saved).toEqual(played);
  },
);

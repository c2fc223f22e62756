import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import type { CountStore } from "../../../src/mod.ts";
import { Generation } from "../../../src/store/redis/shards/generation.ts";
import { Heads } from "../../../src/store/redis/shards/heads.ts";
import { Layout } from "../../../src/store/redis/shards/layout.ts";
import type { Redis } from "../../../src/store/redis/redis.ts";
import { ADD } from "../../../src/store/redis/scripts/add.ts";
import { BATCH } from "../../../src/store/redis/scripts/batch.ts";
import { GET } from "../../../src/store/redis/scripts/get.ts";
import { SEAL } from "../../../src/store/redis/scripts/shard.ts";
import { countOf, listed, sealed } from "../contract/support.ts";
import { stopAll } from "./support/clean-up.ts";
import { Interposer } from "./support/interposer.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { openStore } from "./support/stores.ts";
import { until } from "./support/until.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

const KEY = "{shared}:generation";
const NAMES = new Map(
  [ADD, BATCH, GET, SEAL].map((script, at) => [script.sha, ["add", "batch", "get", "seal"][at]]),
);

/**
 * Two stores of the same counts, and what the first one of them has asked: `known` if it went by the
 * generation.
 */
async function openTwo(): Promise<{
  redis: RedisServer;
  one: CountStore;
  other: CountStore;
  asked: string[];
}> {
  const redis = await RedisServer.start();
  const interposer = await Interposer.start(redis.port);
  const asked: string[] = [];
  interposer.fate = ([, sha = "", , key]) => {
    const name = NAMES.get(sha);
    if (name !== undefined) asked.push(key === KEY ? `${name} known` : name);
    return "well";
  };
  const options = { storePrefix: "shared" };
  const one = await openStore(interposer.url, options);
  return { redis, one, other: await openStore(`redis://${redis.address}`, options), asked };
}

/** Plays until the generation is known; gives how often. */
async function untilKnown(store: CountStore, asked: string[]): Promise<number> {
  let plays = 0;
  await until("heads are known by their generation", async () => {
    await store.add("a", 1);
    plays++;
    return asked.at(-1) === "add known";
  });
  return plays;
}

testWithRedis("As long as no head changes, none is looked at", async () => {
  const { one, asked } = await openTwo();
  await one.addAll(new Map([["b", 1]]));
  const plays = await untilKnown(one, asked);
  asked.length = 0;
  expect(await countOf(one.add("a", 1))).toBe(plays + 1);
  expect(await one.get("a")).toBe(plays + 1);
  expect(await one.get("never played")).toBe(0);
  const songs = new Map(["a", "b"].map((id) => [id, 2]));
  expect(await one.addAll(songs)).toMatchObject({ counts: Float64Array.from([plays + 3, 3]) });
  expect(asked).toEqual(["add known", "get known", "get known", "batch known"]);
});

testWithRedis(
  "Whoever knows heads that others have changed does nothing by them, and learns the new ones",
  async () => {
    const { one, other, asked } = await openTwo();
    let plays = await untilKnown(one, asked);
    for (let fold = 1; fold <= 5; fold++) {
      await other.seal(fold);
      asked.length = 0;
      const songs = new Map([["a", 1]]);
      const added = fold % 2 === 0 ? await one.addAll(songs) : await one.add("a", 1);
      expect(added).toMatchObject({ fold });
      expect(asked.slice(0, 2)).toEqual(fold % 2 === 0 ? ["batch known", "batch"] : ["add known", "add"]);
      expect(await sealed(other, fold)).toEqual([["a", plays]]);
      await other.acknowledge(fold);
      expect(await one.get("a")).toBe(1);
      plays = 1 + (await untilKnown(one, asked));
      expect(await other.get("a")).toBe(plays);
    }
    await other.clear();
    expect(await countOf(one.add("a", 1))).toBe(1);
  },
);

testWithRedis(
  "A batch of which something is new, or cannot be, leaves no trace of what was tried first",
  async () => {
    const { one, other, asked, redis } = await openTwo();
    const ids = Array.from({ length: 100 }, (_, n) => `song-${n}`);
    const all = new Map(ids.map((id) => [id, 3]));
    await one.addAll(all);
    await untilKnown(one, asked);
    await one.addAll(new Map([...all, ["new", 3]]));
    expect(new Map(await listed(other)).get("new")).toBe(3);
    await one.add("full", Number.MAX_SAFE_INTEGER - 1);
    const before = await listed(other);
    const fresh = ids.map((id) => [`fresh ${id}`, 3] as const);
    await expect(one.addAll(new Map([...all, ...fresh, ["full", 3]]))).rejects.toThrow("would exceed");
    expect(await listed(other)).toEqual(before);
    for (let shard = 0; shard < 16; shard++) await redis.ask("HSET", `{shared:${shard}}`, "broken", "x");
    await expect(one.addAll(new Map([...all, ["broken", 3]]))).rejects.toThrow();
    for (let shard = 0; shard < 16; shard++) await redis.ask("HDEL", `{shared:${shard}}`, "broken");
    expect(await listed(other)).toEqual(before);
  },
);

testWithRedis("What was lost with its head is found as soon as it is played", async () => {
  const { one, other, asked, redis } = await openTwo();
  await untilKnown(one, asked);
  await one.seal(1);
  await untilKnown(one, asked);
  for (let shard = 0; shard < 16; shard++) await redis.ask("DEL", `{shared:${shard}}`);
  expect(await countOf(one.add("a", 1))).toBe(1);
  expect(await other.get("a")).toBe(1);
  expect(asked.at(-1)).toBe("add");
});

testWithRedis("A generation that was lost is never the one that it was", async () => {
  const { one, other, asked, redis } = await openTwo();
  await untilKnown(one, asked);
  await other.seal(1);
  await redis.ask("DEL", KEY);
  expect(await one.add("a", 1)).toMatchObject({ fold: 1 });
  await untilKnown(one, asked);
  await redis.ask("DEL", KEY);
  expect(await one.add("a", 1)).toMatchObject({ fold: 1 });
  await untilKnown(one, asked);
  await other.clear();
  expect(await one.add("a", 1)).toEqual({ count: 1, fold: 0 });
});

testWithRedis(
  "Where something else is in the generation's place heads are looked at, until that is mended",
  async () => {
    const { one, other, asked, redis } = await openTwo();
    const plays = await untilKnown(one, asked);
    await redis.ask("DEL", KEY);
    await redis.ask("HSET", KEY, "a", "b");
    expect(await countOf(one.add("a", 1))).toBe(plays + 1);
    expect(asked.at(-1)).toBe("add");
    await other.seal(1);
    expect(await one.add("a", 1)).toEqual({ count: plays + 2, fold: 1 });
    await untilKnown(one, asked);
  },
);

testWithRedis("Plays that go on while shards are sealed one by one are each in one fold", async () => {
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
    await one.version; // learns heads, as any look at the list does
  }
  expect(saved).toEqual(played);
});

test("Heads that change while they are looked at, there or here, are known by no generation", async () => {
  const heads = new Heads(new Layout({ prefix: "p", shards: 2, writers: 1, seed: [1, 2], name: "n" }));
  let [looks, there, here] = [0, "5", () => {}];
  const redis = {
    heads,
    layout: heads.layout,
    isCluster: false,
    cluster: { run: () => Promise.resolve(there) },
    onShard: async (_shard: number, _script: unknown, keys: string[]) => {
      looks++;
      setTimeout(here);
      await Bun.sleep(1);
      return keys.flatMap(() => ["0", "0", ""]);
    },
  } as unknown as Redis;
  const generation = new Generation(redis);
  const lookTwice = async () => {
    for (const end = looks + 2; looks < end; await Bun.sleep(1)) expect(generation.current()).toBe("");
  };
  here = () => (there += "5");
  await lookTwice();
  here = () => heads.learn(0, heads.of(0).text === "" ? "1:2:0:0:2" : "");
  await lookTwice();
  here = () => {};
  await until("it is known", () => generation.current() === there);
  heads.learn(1, "1:2:0:0:2");
  await lookTwice();
  await until("it is known", () => generation.current() === there);
  generation.forget(there);
  expect(generation.current()).toBe("");
});

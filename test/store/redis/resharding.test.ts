import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { listed } from "../contract/support.ts";
import { endWell, serveTwo } from "./support/playcounts.ts";
import { RedisCluster, startNode } from "./support/redis-cluster.ts";
import { type RedisServer, testWithRedis } from "./support/redis-server.ts";
import { mastersOf, moveSlot, reshard, slotOf } from "./support/resharding.ts";
import { openStore } from "./support/stores.ts";
import { Scene, stopEverything } from "./support/scene.ts";

// Slots move from node to node while two servers count plays and a job seals folds, without any failure.

setDefaultTimeout(300_000);
afterEach(stopEverything);

const CLIENTS = 12;
const SHARDS = 16;

/** Longer than any move takes, on a busy machine as well. */
const PATIENT = ["--store-timeout", "10000"];

testWithRedis(
  "Every play is counted once while slots move one by one, each half moved for a while",
  async () => {
    const cluster = await RedisCluster.start({ hasReplicas: false });
    const scene = new Scene("slots", await serveTwo(cluster.url, "--shards", String(SHARDS), ...PATIENT));
    const { random } = scene;
    await scene.during(CLIENTS, true, async () => {
      for (let shard = 0; shard < 2 * SHARDS || scene.clerk.folds === 0; shard++) {
        const slot = await slotOf(cluster.masters[0] as RedisServer, `{playcount:${shard % SHARDS}}`);
        await moveSlot(cluster, slot, random.pick(cluster.masters), () => Bun.sleep(random.below(30)));
      }
    });
    expect(await scene.faults()).toEqual([]);
    expect(scene.clerk.folds).toBeGreaterThan(0);
    expect(scene.troubles).toEqual({});
    await endWell(scene.servers);
  },
);

testWithRedis("Every play is counted once while slots move to a new master", async () => {
  const cluster = await RedisCluster.start({ hasReplicas: false });
  const scene = new Scene("new", await serveTwo(cluster.url, "--shards", String(SHARDS), ...PATIENT));
  await scene.during(CLIENTS, true, async () => {
    const added = await cluster.addMaster();
    for (let shard = 0; shard < SHARDS; shard += 2) {
      const slot = await slotOf(added, `{playcount:${shard}}`);
      // During the first move the new server owns no slot yet.
      await moveSlot(cluster, slot, added, () => Bun.sleep(shard === 0 ? 700 : 0));
    }
  });
  expect(await scene.faults()).toEqual([]);
  expect(scene.troubles).toEqual({});
  await endWell(scene.servers);
});

testWithRedis(
  "A key that a script empties and fills again is correct while its slot is about to move",
  async () => {
    const cluster = await RedisCluster.start({ hasReplicas: false });
    const store = await openStore(cluster.url, { storePrefix: "p", shards: 1 });
    const begin = async (key: string, act: () => Promise<unknown>) => {
      const slot = await slotOf(cluster.masters[0] as RedisServer, key);
      const owner = (await mastersOf(cluster))(slot);
      const other = cluster.masters.find((master) => master !== owner) as RedisServer;
      await moveSlot(cluster, slot, other, undefined, act);
    };
    let seq = 0;
    const play = async () => {
      const plays = ["a", "b"].map((id) => [id, 1] as const);
      return [...(await store.addAll(new Map(plays), { writer: "w", seq: ++seq })).counts];
    };
    expect(await play()).toEqual([1, 1]);
    // The answer of several counts replaces the only other answer of this kind.
    await begin("{p:writers:0}", async () => expect(await play()).toEqual([2, 2]));
    expect(await play()).toEqual([3, 3]);
    await begin("{p:0}", () => store.clear());
    expect(await listed(store)).toEqual([]);
    expect(await play()).toEqual([1, 1]);
  },
);

testWithRedis("A seed that has left the cluster is passed over", async () => {
  const cluster = await RedisCluster.start({ hasReplicas: false });
  const gone = await startNode();
  const store = await openStore(cluster.url.replace("redis://", `redis://${gone.address},`));
  for (let n = 1; n <= 20; n++) expect((await store.add("a", 1)).count).toBe(n);
});

testWithRedis("Every play is counted once while redis-cli moves hundreds of slots", async () => {
  const cluster = await RedisCluster.start({ hasReplicas: false });
  const [first, second, third] = cluster.masters as [RedisServer, RedisServer, RedisServer];
  const scene = new Scene("many slots", await serveTwo(cluster.url, ...PATIENT));
  await scene.during(CLIENTS, true, async () => {
    await reshard(first, second, 400);
    await reshard(second, third, 400);
  });
  expect(await scene.faults()).toEqual([]);
  expect(scene.troubles).toEqual({});
  await endWell(scene.servers);
});

import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { endWell, serveTwo } from "./support/playcounts.ts";
import { RedisCluster } from "./support/redis-cluster.ts";
import { type RedisServer, testWithRedis } from "./support/redis-server.ts";
import { moveSlot, reshard, slotOf } from "./support/resharding.ts";
import { Scene, stopEverything } from "./support/scene.ts";

// Slots move from node to node while two servers play, and a job seals folds: nobody should notice.

setDefaultTimeout(60_000);
afterEach(stopEverything);

const CLIENTS = 12;
const SHARDS = 16;

/** More than any move takes, on a machine that is busy with other things as well. */
const PATIENT = ["--store-timeout", "10000"];

testWithRedis(
  "While slots move one by one, each half moved for a while, every play is counted once",
  async () => {
    const cluster = await RedisCluster.start({ hasReplicas: false });
    const scene = new Scene("slots", await serveTwo(cluster.url, "--shards", String(SHARDS), ...PATIENT));
    const { random } = scene;
    await scene.during(CLIENTS, true, async () => {
      for (let shard = 0; shard < 2 * SHARDS; shard++) {
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

testWithRedis("While redis-cli moves hundreds of slots, every play is counted once", async () => {
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

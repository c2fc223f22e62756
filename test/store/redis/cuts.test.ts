import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { endWell, serveTwo } from "./support/playcounts.ts";
import { RedisCluster } from "./support/redis-cluster.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { Scene, stopEverything } from "./support/scene.ts";
import { TcpProxy } from "./support/tcp-proxy.ts";

// Connections to Redis break, again and again.

setDefaultTimeout(300_000);
afterEach(stopEverything);

const CLIENTS = 16;
const EACH_MS = 100;
const TIMES = 30;

/** Plays and seals while all connections through the proxies are cut, again and again. */
async function playWhileCut(scene: Scene, proxies: readonly TcpProxy[]): Promise<void> {
  await scene.during(CLIENTS, true, async () => {
    const isEnough = () => scene.ledger.count(500) > 0 && scene.ledger.count(200) > TIMES;
    for (let time = 0; time < TIMES || !isEnough(); time++) {
      await Bun.sleep(EACH_MS);
      for (const proxy of proxies) proxy.cut(scene.random);
    }
  });
}

/** Expects no lost and no doubled play, some unknown outcomes, and no failure after the last cut. */
async function expectExact(scene: Scene): Promise<void> {
  expect(await scene.faults()).toEqual([]);
  expect(scene.ledger.count(500)).toBeGreaterThan(0);
  expect(scene.ledger.count(200)).toBeGreaterThan(TIMES);
  await scene.crowd.playMore(CLIENTS, 100); // until the connections of the last cut are open again
  const before = scene.troubles;
  await scene.crowd.playMore(CLIENTS, 200);
  expect(scene.troubles).toEqual(before);
  expect(await scene.faults()).toEqual([]);
  await endWell(scene.servers);
}

testWithRedis(
  "With every connection to a server cut every 100 ms, each play is counted once or unknown",
  async () => {
    const redis = await RedisServer.start();
    const proxy = await TcpProxy.start(redis.port);
    const scene = new Scene("cuts", await serveTwo(`redis://127.0.0.1:${proxy.port}`));
    await playWhileCut(scene, [proxy]);
    expect(proxy.cuts).toBeGreaterThan(TIMES);
    await expectExact(scene);
  },
);

testWithRedis(
  "With every connection to a cluster cut every 100 ms, each play is counted once or unknown",
  async () => {
    const cluster = await RedisCluster.start({ hasReplicas: false, hasProxies: true });
    const scene = new Scene("cuts in a cluster", await serveTwo(cluster.url, "--shards", "64"));
    await playWhileCut(scene, cluster.proxies);
    await expectExact(scene);
  },
);

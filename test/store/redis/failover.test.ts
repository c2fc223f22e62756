import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { endWell, healthy, serveTwo } from "./support/playcounts.ts";
import { RedisCluster } from "./support/redis-cluster.ts";
import { type RedisServer, testWithRedis } from "./support/redis-server.ts";
import { mastersOf, slotOf } from "./support/resharding.ts";
import { Scene, stopEverything } from "./support/scene.ts";

// A master dies, and its replica is promoted: with all plays, or without the last ones.

setDefaultTimeout(300_000);
afterEach(stopEverything);

const CLIENTS = 12;
const TIMEOUT = ["--store-timeout", "500"];
const KEPT_TWICE = ["--wait-replicas", "1"];
const LOST = /^lost: /;

/** Kills a master, waits until its replica is promoted, and starts it again as a replica. */
async function failOver(cluster: RedisCluster, master: RedisServer, replica: RedisServer): Promise<void> {
  await master.kill();
  await cluster.promoted(replica);
  await cluster.startAgain(master);
}

/** Kills a master with plays that its replica never received. */
async function loseWhatOneHas(cluster: RedisCluster, scene: Scene): Promise<void> {
  const [master, replica] = [cluster.masters[0], cluster.replicas[0]] as [RedisServer, RedisServer];
  await replica.ask("CONFIG", "SET", "masterauth", "wrong"); // replication stops
  await master.ask("CLIENT", "KILL", "TYPE", "replica");
  let plays = 0;
  await scene.crowd.playOnce(8, () => ++plays > 50);
  await replica.ask("CONFIG", "SET", "masterauth", "");
  await failOver(cluster, master, replica);
  for (const { url } of scene.servers) await healthy(url);
}

/** Kills the master of the state that all shards share. */
async function loseControl(cluster: RedisCluster): Promise<void> {
  const { masters, replicas } = cluster;
  const control = await slotOf(masters[0] as RedisServer, "{playcount}");
  const master = (await mastersOf(cluster))(control);
  const at = Math.max(masters.indexOf(master), replicas.indexOf(master));
  const replica = (masters.includes(master) ? replicas : masters)[at] as RedisServer;
  await failOver(cluster, master, replica);
}

/** Plays while that master dies. Expects no failure after the health checks succeed again. */
async function playMeanwhile(cluster: RedisCluster, scene: Scene, hasClerk: boolean): Promise<void> {
  await scene.during(CLIENTS, hasClerk, async () => {
    await Bun.sleep(500);
    await loseControl(cluster);
    await Bun.sleep(500);
  });
  for (const { url } of scene.servers) await healthy(url);
  const before = scene.troubles;
  await scene.crowd.playMore(CLIENTS, 200);
  expect(scene.troubles).toEqual(before);
}

testWithRedis("With --wait-replicas, no answered play is lost or doubled when masters die", async () => {
  const cluster = await RedisCluster.start();
  const scene = new Scene("failover", await serveTwo(cluster.url, ...TIMEOUT, ...KEPT_TWICE));
  await scene.crowd.playMore(CLIENTS, 50);
  await loseWhatOneHas(cluster, scene);
  expect(await scene.faults()).toEqual([]);
  expect(scene.ledger.count(500)).toBeGreaterThan(0);
  await playMeanwhile(cluster, scene, true);
  expect(await scene.faults()).toEqual([]);
  await endWell(scene.servers);
});

testWithRedis(
  "Without --wait-replicas, plays that no replica has are lost, and none is doubled",
  async () => {
    const cluster = await RedisCluster.start();
    const scene = new Scene("failover without", await serveTwo(cluster.url, ...TIMEOUT), true);
    await scene.crowd.playMore(CLIENTS, 50);
    await loseWhatOneHas(cluster, scene);
    const faults = await scene.faults();
    expect(faults.join("\n")).toMatch(LOST);
    await playMeanwhile(cluster, scene, false);
    faults.push(...(await scene.faults()));
    expect(faults.filter((fault) => !LOST.test(fault))).toEqual([]);
    await endWell(scene.servers);
  },
);

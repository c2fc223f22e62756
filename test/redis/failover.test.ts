import { afterEach, describe, expect, setDefaultTimeout } from "bun:test";
import { endWell, healthy, serveTwo } from "./support/playcounts.ts";
import { RedisCluster } from "./support/redis-cluster.ts";
import { type RedisServer, testWithRedis } from "./support/redis-server.ts";
import { Scene, stopEverything } from "./support/scene.ts";

// A master dies, and its replica takes its place.

setDefaultTimeout(60_000);
afterEach(stopEverything);

const CLIENTS = 12;
const TIMEOUT = ["--store-timeout", "500"];
const KEPT_TWICE = ["--wait-replicas", "1"];
const LOST = /^lost: /;

/** Kills a master, waits for its replica to take its place, and starts it again as a replica of that. */
async function failOver(cluster: RedisCluster, master: RedisServer, replica: RedisServer): Promise<void> {
  await master.kill();
  await cluster.promoted(replica);
  await cluster.startAgain(master);
}

testWithRedis(
  "With --wait-replicas no play is lost when masters die under load, and none is doubled",
  async () => {
    const cluster = await RedisCluster.start();
    const scene = new Scene("failover", await serveTwo(cluster.url, ...TIMEOUT, ...KEPT_TWICE));
    await scene.during(CLIENTS, true, async () => {
      for (const at of [0, 1]) {
        const [master, replica] = [cluster.masters[at], cluster.replicas[at]] as [RedisServer, RedisServer];
        await Bun.sleep(500);
        await failOver(cluster, master, replica);
      }
    });
    for (const { url } of scene.servers) await healthy(url);
    const before = scene.troubles;
    await scene.crowd.playMore(CLIENTS, 200);
    expect(scene.troubles).toEqual(before);
    expect(await scene.faults()).toEqual([]);
    await endWell(scene.servers);
  },
);

testWithRedis(
  "Without it what a dead master had not handed on may be lost, and no play is doubled",
  async () => {
    const cluster = await RedisCluster.start();
    const scene = new Scene("failover without", await serveTwo(cluster.url, ...TIMEOUT), true);
    await scene.during(CLIENTS, false, async () => {
      await Bun.sleep(500);
      await failOver(cluster, cluster.masters[0] as RedisServer, cluster.replicas[0] as RedisServer);
    });
    for (const { url } of scene.servers) await healthy(url);
    const before = scene.troubles;
    await scene.crowd.playMore(CLIENTS, 200);
    expect(scene.troubles).toEqual(before);
    expect((await scene.faults()).filter((fault) => !LOST.test(fault))).toEqual([]);
    await endWell(scene.servers);
  },
);

describe("A master that dies with what no replica has loses", () => {
  /** Cuts a replica off, and plays meanwhile; what is found then, when it is the master. */
  async function loseWhat(name: string, ...options: string[]): Promise<{ scene: Scene; faults: string[] }> {
    const cluster = await RedisCluster.start();
    const scene = new Scene(name, await serveTwo(cluster.url, ...TIMEOUT, ...options), true);
    await scene.crowd.playMore(4, 50);
    const [master, replica] = [cluster.masters[0], cluster.replicas[0]] as [RedisServer, RedisServer];
    await replica.ask("CONFIG", "SET", "masterauth", "wrong"); // so that it is refused from now on
    await master.ask("CLIENT", "KILL", "TYPE", "replica");
    let plays = 0;
    const enough = () => ++plays > 50;
    await scene.crowd.playOnce(8, enough);
    await replica.ask("CONFIG", "SET", "masterauth", "");
    await failOver(cluster, master, replica);
    for (const { url } of scene.servers) await healthy(url);
    return { scene, faults: await scene.faults() };
  }

  testWithRedis("plays that were answered, without --wait-replicas: a control that must fail", async () => {
    const { scene, faults } = await loseWhat("unwaited");
    expect(faults.join("\n")).toMatch(/^lost: /m);
    expect(faults.filter((fault) => !LOST.test(fault))).toEqual([]);
    await endWell(scene.servers);
  });

  testWithRedis("none that was answered, with it", async () => {
    const { scene, faults } = await loseWhat("waited", ...KEPT_TWICE);
    expect(faults).toEqual([]);
    expect(scene.ledger.count(500)).toBeGreaterThan(0);
    await endWell(scene.servers);
  });
});

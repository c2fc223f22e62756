import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { single } from "./support/crowd.ts";
import { PlayLedger } from "../../support/play-ledger.ts";
import { endWell, healthy, serve, serveTwo, startWaiting } from "./support/playcounts.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { Scene, stopEverything } from "./support/scene.ts";

// Redis is stopped and started again.

setDefaultTimeout(300_000);
afterEach(stopEverything);

const CLIENTS = 8;
const KEPT = ["--appendonly", "yes", "--appendfsync", "always"];

testWithRedis(
  "Plays are refused while Redis is stopped, and counted again after it has loaded its data",
  async () => {
    const redis = await RedisServer.start(KEPT);
    const scene = new Scene("restarts", await serveTwo(`redis://${redis.address}`));
    const { ledger } = scene;
    await scene.during(CLIENTS, true, async () => {
      for (const end of [() => redis.kill(), () => redis.end(), () => redis.kill()]) {
        await Bun.sleep(300);
        await end();
        for (const { url } of scene.servers) await healthy(url, 503);
        // A play is refused at once.
        for (const { url } of scene.servers)
          expect(await ledger.send(url, single("another"))).toMatchObject({ outcome: "refused" });
        await redis.start();
        for (const { url } of scene.servers) await healthy(url);
      }
    });
    const before = scene.troubles;
    await scene.crowd.playMore(CLIENTS, 100);
    expect(scene.troubles).toEqual(before);
    expect(before[503]).toBeGreaterThan(0);
    expect(await scene.faults()).toEqual([]);
    await endWell(scene.servers);
  },
);

testWithRedis("Plays are refused while Redis loads its data", async () => {
  const redis = await RedisServer.start([
    ...["--loading-process-events-interval-bytes", "1024"],
    ...["--rdbcompression", "no"],
  ]);
  const server = await serve(`redis://${redis.address}`);
  const ledger = new PlayLedger();
  const plays = Array.from({ length: 100 }, (_, song) => single(`song-${song}`));
  await Promise.all(plays.map((play) => ledger.send(server.url, play)));
  expect(ledger.count(200)).toBe(plays.length);
  await redis.ask("DEBUG", "POPULATE", 500, "other", 1024); // so that loading takes a while
  await redis.ask("SAVE");
  await redis.kill();
  await redis.start(false, "--key-load-delay", "20000");
  await Promise.all(plays.map((play) => ledger.send(server.url, play)));
  await healthy(server.url, 503);
  expect(await redis.info("loading")).toBe("1");
  expect([...ledger.answers]).toEqual([
    [200, plays.length],
    [503, plays.length],
  ]);
  await redis.ask("CONFIG", "SET", "key-load-delay", 0);
  await healthy(server.url);
  expect(await ledger.faults(server.url)).toEqual([]);
  expect((await ledger.send(server.url, single("song-0"))).text).toBe("2");
  await endWell([server]);
});

testWithRedis(
  "After a restart without its data, the ledger finds the loss, and plays are counted again",
  async () => {
    const redis = await RedisServer.start();
    const scene = new Scene("emptied", await serveTwo(`redis://${redis.address}`), true);
    await scene.crowd.playMore(CLIENTS, 100);
    await redis.kill();
    await redis.start();
    for (const { url } of scene.servers) await healthy(url);
    expect((await scene.faults()).join("\n")).toMatch(/^lost: /m);
    for (const { url } of scene.servers)
      expect(await scene.ledger.send(url, single("first"))).toMatchObject({ outcome: "counted" });
    // A new server has to find each song in the same shard as the others.
    scene.servers.push(await serve(`redis://${redis.address}`));
    const before = scene.troubles;
    await scene.crowd.playMore(CLIENTS, 100);
    expect(scene.troubles).toEqual(before);
    expect(await scene.faults()).toEqual([]);
    await endWell(scene.servers);
  },
);

testWithRedis("A server that is started before Redis listens as soon as Redis answers", async () => {
  const redis = await RedisServer.start();
  await redis.kill();
  const { listening } = await startWaiting(`redis://${redis.address}`);
  await redis.start();
  const server = await listening;
  await healthy(server.url);
  expect((await new PlayLedger().send(server.url, single("a"))).text).toBe("1");
  expect(await endWell([server])).toMatch(/^playcount: .*Redis/);
});

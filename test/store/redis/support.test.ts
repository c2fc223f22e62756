import { until } from "./support/until.ts";
import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { Random } from "../../support/random.ts";
import { askRedis } from "./support/ask-redis.ts";
import { stopAll } from "./support/clean-up.ts";
import { error, Interposer } from "./support/interposer.ts";
import { RedisCluster } from "./support/redis-cluster.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { mastersOf, moveSlot, reshard, slotOf } from "./support/resharding.ts";
import { TcpProxy } from "./support/tcp-proxy.ts";

// Tests of the helpers that the other tests in this folder rely on.

setDefaultTimeout(300_000);
afterEach(stopAll);

testWithRedis("A killed server has its saved data after a restart", async () => {
  const server = await RedisServer.start(["--appendonly", "yes", "--appendfsync", "always"]);
  await server.ask("SET", "a", "1");
  await server.kill();
  await expect(server.ask("GET", "a")).rejects.toThrow();
  await server.start();
  expect(await server.ask("GET", "a")).toBe("1");
});

testWithRedis("A cluster moves slots, partly or wholly, and survives the death of a master", async () => {
  const cluster = await RedisCluster.start();
  const [first, second, third] = cluster.masters as [RedisServer, RedisServer, RedisServer];
  const slot = await slotOf(first, "{tag}");
  const from = (await mastersOf(cluster))(slot);
  const to = from === third ? first : third;
  await from.ask("MSET", "{tag}1", "1", "{tag}2", "2");
  let said = "";
  await moveSlot(cluster, slot, to, async () => {
    said ||= await Promise.all(["{tag}1", "{tag}2"].map((key) => from.ask("GET", key)))
      .catch(String)
      .then(String);
  });
  expect(said).toMatch(/ASK \d+ 127\.0\.0\.1:\d+/);
  expect(await to.ask("GET", "{tag}2")).toBe("2");
  await reshard(second, to, 10);
  const replica = cluster.replicas[cluster.masters.indexOf(to)] as RedisServer;
  await until("the replica has all", async () => {
    const offsets = [await to.info("master_repl_offset"), await replica.info("slave_repl_offset")];
    return offsets[0] === offsets[1];
  });
  await to.kill();
  await cluster.promoted(replica);
  expect(await replica.ask("GET", "{tag}1")).toBe("1");
  await cluster.startAgain(to);
  await expect(to.ask("SET", "{tag}1", "1")).rejects.toThrow(/MOVED/);
});

testWithRedis("A proxy can cut connections, and make them hang", async () => {
  const server = await RedisServer.start();
  const proxy = await TcpProxy.start(server.port);
  expect(await askRedis(proxy.port, "INCR", "a")).toBe(1);
  proxy.hang();
  const held = askRedis(proxy.port, "INCR", "a");
  await Bun.sleep(50);
  expect(await server.ask("GET", "a")).toBe("1");
  proxy.resume();
  expect(await held).toBe(2);
  proxy.hang();
  const lost = askRedis(proxy.port, "INCR", "a").catch(String);
  await Bun.sleep(50);
  for (let n = 0; n < 50; n++) proxy.cut(new Random(String(n)));
  expect(await lost).toMatch(/closed/);
  expect(await server.ask("GET", "a")).toBe("2");
});

testWithRedis(
  "An interposer can repeat a command, lose it before or after its execution, or answer it itself",
  async () => {
    const server = await RedisServer.start();
    const interposer = await Interposer.start(server.port);
    const ask = (...words: string[]) =>
      askRedis(Number(new URL(interposer.url).port), ...words).catch(String);
    const incremented = async (fate: ReturnType<Interposer["fate"]>) => {
      interposer.fate = ([name]) => (name === "INCR" ? fate : "well");
      return [await ask("INCR", "a"), await ask("GET", "a")];
    };
    expect(await incremented("well")).toEqual([1, "1"]);
    expect(await incremented("twice")).toEqual([2, "3"]);
    expect(await incremented("close before")).toEqual([expect.stringMatching(/closed/), "3"]);
    expect(await incremented("close after")).toEqual([expect.stringMatching(/closed/), "4"]);
    expect(await incremented(error("LOADING"))).toEqual([expect.stringMatching(/LOADING/), "4"]);
    expect(interposer.seen.filter((name) => name === "INCR")).toHaveLength(5);
  },
);

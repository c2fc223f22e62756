import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { stopAll } from "./support/clean-up.ts";
import { startNode } from "./support/redis-cluster.ts";
import { testWithRedis } from "./support/redis-server.ts";
import { openStore } from "./support/stores.ts";
import { until } from "./support/until.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

testWithRedis.each([
  ["by its name", ["cluster-announce-hostname", "localhost", "cluster-preferred-endpoint-type", "hostname"]],
  ["at the address of the connection", ["cluster-preferred-endpoint-type", "unknown-endpoint"]],
])("A node of a cluster that announces itself %s is reached there", async (_, settings) => {
  const node = await startNode();
  await node.ask("CONFIG", "SET", ...settings);
  await node.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16_383);
  await until("all slots are served", async () =>
    String(await node.ask("CLUSTER", "INFO")).includes("cluster_state:ok"),
  );
  const store = await openStore(`redis://${node.address}`);
  await store.addAll(new Map(Array.from({ length: 40 }, (_, n) => [`song-${n}`, 1])));
  expect((await store.figures()).songs).toBe(40);
});

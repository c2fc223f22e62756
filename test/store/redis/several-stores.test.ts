import { afterAll, expect, setDefaultTimeout } from "bun:test";
import { type CountStore, Refusal } from "../../../src/mod.ts";
import { MapStore } from "../map-store.ts";
import { Random } from "../../support/random.ts";
import { foldsOf, listed, sealed } from "../contract/support.ts";
import { stopAll } from "./support/clean-up.ts";
import { RedisCluster } from "./support/redis-cluster.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { openStore } from "./support/stores.ts";

setDefaultTimeout(300_000);
afterAll(stopAll);

/** The least number of steps: the test goes on until each kind was done often enough. */
const STEPS = 4000;
const OFTEN = 4;
const KINDS = ["add", "add keyed", "add all", "seal", "acknowledge", "get after", "list", "clear"];

testWithRedis.each([
  ["one server", {}],
  ["one server with a limit", { maxSongs: 30, shards: 1 }], // only a single shard has an exact limit
  ["a cluster", {}],
])("On %s, three stores that share counts answer as one plain Map does", async (kind, limits) => {
  const random = new Random("several stores");
  const cluster = kind === "a cluster" ? await RedisCluster.start({ hasReplicas: false }) : undefined;
  const url = cluster?.url ?? `redis://${(await RedisServer.start()).address}`;
  const options = { storePrefix: "shared", maxFolds: 3, maxWriters: 5, ...limits };
  const stores = [];
  for (let n = 0; n < 3; n++) stores.push(await openStore(url, options));
  const oracle = new MapStore(options);
  const done = new Map<string, number>();
  let newest = 0;
  const areDone = () => KINDS.every((name) => (done.get(name) ?? 0) >= OFTEN);
  for (let step = 0; step < STEPS || !areDone(); step++) {
    const act = anyAct(random, step, () => newest++);
    const [found, wanted] = await Promise.all([
      outcomeOf(act, random.pick(stores) as CountStore),
      outcomeOf(act, oracle),
    ]);
    expect(found, `step ${step}: ${act.name}`).toEqual(wanted);
    if (typeof wanted !== "string") done.set(act.name, (done.get(act.name) ?? 0) + 1);
  }
});

interface Act {
  name: string;
  on: (store: CountStore) => unknown;
}

function anyAct(random: Random, step: number, next: () => number): Act {
  const id = `song-${random.below(40)}`;
  const plays = random.below(4);
  const key = { writer: `w-${random.below(5)}`, seq: random.chance(0.8) ? step : random.below(step + 1) };
  const fold = Math.max(1, next() + 1 - random.below(4));
  const batch = new Map(Array.from({ length: random.below(6) }, (_, n) => [`song-${random.below(40)}`, n]));
  const acts: [weight: number, name: string, on: Act["on"]][] = [
    [300, "add", (store) => store.add(id, plays)],
    [150, "add keyed", (store) => store.add(id, plays, key)],
    [100, "add all", (store) => store.addAll(batch)],
    [50, "add all keyed", (store) => store.addAll(batch, key)],
    [200, "get", (store) => store.get(id)],
    [60, "get after", (store) => store.get(id, fold)],
    [20, "seal", (store) => store.seal(fold)],
    [20, "acknowledge", (store) => oldest(store)],
    [20, "folds", (store) => foldsOf(store)],
    [20, "list", (store) => listed(store)],
    [10, "top", (store) => store.top(5)],
    [10, "list a fold", (store) => sealed(store, fold)],
    [2, "clear", (store) => store.clear()],
  ];
  let at = random.below(acts.reduce((sum, [weight]) => sum + weight, 0));
  const [, name, on] = acts.find(([weight]) => (at -= weight) < 0) as (typeof acts)[number];
  return { name, on };
}

async function oldest(store: CountStore): Promise<number | undefined> {
  const [fold] = await foldsOf(store);
  if (fold !== undefined) await store.acknowledge(fold);
  return fold;
}

/** Returns the answer, or the reason of a refusal. */
async function outcomeOf(act: Act, store: CountStore): Promise<unknown> {
  try {
    return (await act.on(store)) ?? null;
  } catch (error) {
    if (error instanceof Refusal) return `refused: ${error.reason}`;
    throw error;
  }
}

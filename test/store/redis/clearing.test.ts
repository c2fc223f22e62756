import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { rounds } from "../../support/extent.ts";
import { type CountStore, createHandler, type Handler, MAX_COUNT } from "../../../src/mod.ts";
import { countOf, listed, reasonOf } from "../contract/support.ts";
import { stopAll } from "./support/clean-up.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { openStore } from "./support/stores.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

async function openTwo(): Promise<{ one: CountStore; other: CountStore }> {
  const redis = await RedisServer.start();
  const options = { storePrefix: "shared" };
  const open = () => openStore(`redis://${redis.address}`, options);
  return { one: await open(), other: await open() };
}

testWithRedis(
  "Concurrent clears are done one after the other, and a play is cleared or counted",
  async () => {
    const { one, other } = await openTwo();
    let [last, isOver] = [0, false];
    const players = [one, other].map(async (store, n) => {
      while (!isOver) {
        await store.add(`song-${n}`, 1);
        await store.addAll(new Map(Array.from({ length: 40 }, (_, song) => [`song-${song}`, 1])));
      }
    });
    for (let round = 0; round < 20; round++) {
      const clears = [one, other, one, other].map((store) => store.clear());
      expect(await Promise.all(clears)).toEqual([true, true, true, true]);
    }
    isOver = true;
    await Promise.all(players);
    await other.clear();
    expect(await listed(one)).toEqual([]);
    for (const store of [one, other, one]) expect(await countOf(store.add("song-0", 1))).toBe(++last);
  },
);

testWithRedis("A fold that is sealed beside a clear is answered, as if it were sealed after it", async () => {
  const { one, other } = await openTwo();
  const [handle, clear] = [createHandler(one), createHandler(other)];
  const ask = (handler: Handler, method: string, path: string) =>
    Promise.resolve(handler(new Request(`http://localhost${path}`, { method })));
  for (let round = 1; round <= rounds(300, 40); round++) {
    await one.add("a", 1);
    const asked = [ask(handle, "PUT", `/folds/${round}`), ask(clear, "DELETE", "/")] as const;
    const [sealed, cleared] = await Promise.all(asked);
    expect([sealed.status, cleared.status]).toEqual([201, 200]);
    expect(["", "a=1"]).toContain(await sealed.text());
    await clear(new Request("http://localhost/", { method: "DELETE" }));
  }
});

testWithRedis("Of concurrent plays of one song, those that fit below the limit are counted", async () => {
  const { one } = await openTwo();
  await one.add("a", MAX_COUNT - 3);
  const plays = [2, MAX_COUNT, 1, 5, 1];
  const reasons = await Promise.all(plays.map((more) => reasonOf(() => one.add("a", more))));
  expect(await one.get("a")).toBe(MAX_COUNT);
  const added = plays.filter((_, at) => reasons[at] === undefined);
  expect(added.reduce((sum, more) => sum + more, 0)).toBe(3);
});

testWithRedis("All servers know when folds were sealed and acknowledged, until a clear", async () => {
  const { one, other } = await openTwo();
  const timesOf = async (store: CountStore) => {
    const { folds, oldestSealedAt, lastSealedAt, lastAcknowledgedAt } = await store.figures();
    return { folds, oldestSealedAt, lastSealedAt, lastAcknowledgedAt };
  };
  const never = { oldestSealedAt: undefined, lastSealedAt: undefined, lastAcknowledgedAt: undefined };
  expect(await timesOf(other)).toEqual({ folds: 0, ...never });
  const begin = Date.now();
  await one.seal(1);
  await Bun.sleep(20);
  await one.seal(2);
  const sealed = await timesOf(other);
  expect(sealed.oldestSealedAt).toBeWithin(begin - 5, Date.now());
  expect(sealed.lastSealedAt).toBeGreaterThan(sealed.oldestSealedAt as number);
  await Bun.sleep(20);
  for (let again = 0; again < 2; again++) await other.acknowledge(1);
  const { lastAcknowledgedAt, ...rest } = await timesOf(one);
  expect(lastAcknowledgedAt).toBeGreaterThan(sealed.lastSealedAt as number);
  expect(rest).toEqual({ folds: 1, oldestSealedAt: sealed.lastSealedAt, lastSealedAt: sealed.lastSealedAt });
  await one.clear();
  expect(await timesOf(other)).toEqual({ folds: 0, ...never });
});

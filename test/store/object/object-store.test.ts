import { expect, spyOn, test } from "bun:test";
import { PlayCounter } from "../../../src/adapters/durable-object.ts";
import { ObjectStore } from "../../../src/store/object/object-store.ts";
import type { SqlValue } from "../../../src/store/object/schema.ts";
import { Random } from "../../support/random.ts";
import { testCountStore } from "../contract.ts";
import { byCount, byId, listed, reasonOf } from "../contract/support.ts";
import { sqliteStorage } from "./sqlite-storage.ts";

testCountStore("A store in a Durable Object", (options) => new ObjectStore(sqliteStorage(), options), {
  keepsBatchAnswers: false,
  clearsOnCondition: true,
});

test("A list of several folds has each song once, with its plays in all of them, in chunks of any size", async () => {
  const store = new ObjectStore(sqliteStorage());
  const sums = new Map<string, number>();
  for (let fold = 1; fold <= 7; fold++) {
    const plays = new Map(Array.from({ length: 900 }, (_, n) => [`song-${(n * fold) % 4000}`, fold]));
    store.addAll(plays);
    for (const [id, more] of plays) sums.set(id, (sums.get(id) ?? 0) + more);
    if (fold < 7) store.seal(fold);
  }
  expect([...store.entries()].length).toBeGreaterThan(5);
  expect(await listed(store)).toEqual([...sums].sort(byId));
  expect(await store.top(50)).toEqual([...sums].sort(byCount).slice(0, 50));
  expect([...store.fold(3)].flat()).toHaveLength(900);
});

test("A chunk of a list has few songs with long ids", () => {
  const store = new ObjectStore(sqliteStorage());
  const lengthOf = (song: number) => (song % 3000 < 1500 ? 5 : 500);
  const ids = Array.from({ length: 6000 }, (_, song) =>
    String(song).padStart(5, "0").padEnd(lengthOf(song), "x"),
  );
  store.addAll(new Map(ids.map((id) => [id, 1])));
  const chunks = [...store.entries()];
  expect(chunks.flat().map(([id]) => id)).toEqual(ids);
  const lengths = chunks.map((chunk) => chunk.reduce((sum, [id]) => sum + id.length, 0));
  expect(Math.max(...lengths)).toBeLessThan(17_000);
  expect(chunks.length).toBeLessThan(150);
});

test("An acknowledgement visits no songs, however many folds wait, and the songs that remain are counted", async () => {
  const storage = sqliteStorage();
  const queries: string[] = [];
  const sql = {
    exec(query: string, ...values: SqlValue[]) {
      queries.push(query);
      return storage.sql.exec(query, ...values);
    },
  };
  const options = { maxSongs: 400, maxFolds: 10 };
  let store = new ObjectStore({ ...storage, sql }, options);
  const random = new Random("songs of folds");
  for (let fold = 1; fold <= 10; fold++) {
    store.addAll(new Map(Array.from({ length: 60 }, () => [`song-${random.below(400)}`, random.below(3)])));
    store.seal(fold);
  }
  for (let fold = 1; fold <= 10; fold++) {
    queries.length = 0;
    store.acknowledge(fold);
    const visits = queries.filter((query) => /\bsong\b/.test(query));
    expect(visits).toEqual(fold === 1 ? [] : ["DELETE FROM song WHERE fold = ?"]);
    if (fold === 5) store = new ObjectStore({ ...storage, sql }, options);
    expect(store.figures().songs).toBe((await listed(store)).length);
    store.addAll(new Map(Array.from({ length: 9 }, () => [`song-${random.below(400)}`, 1])));
    expect(store.figures().songs).toBe((await listed(store)).length);
  }
});

test("A writer is kept after a start with an earlier clock, if another one has to be evicted for it", () => {
  const storage = sqliteStorage();
  const before = new ObjectStore(storage, { maxWriters: 2 });
  for (const writer of ["a", "b"]) before.add("1", 1, { writer, seq: 1 });
  const clock = spyOn(Date, "now").mockReturnValue(Date.now() - 60_000);
  const after = new ObjectStore(storage, { maxWriters: 2 });
  for (let retry = 0; retry < 2; retry++)
    expect(after.add("1", 1, { writer: "c", seq: 1 })).toEqual({ count: 3, fold: 0 });
  clock.mockRestore();
});

test("An object that is restarted has its counts, folds and writers, and another version", async () => {
  const storage = sqliteStorage();
  const before = new ObjectStore(storage, { maxSongs: 3, maxWriters: 3 });
  for (const [seq, id] of ["a", "b"].entries()) before.add(id, 5, { writer: id, seq });
  before.seal(3, "a label");
  before.add("a", 1);
  before.seal(4);
  before.acknowledge(3);
  const after = new ObjectStore(storage, { maxSongs: 3, maxWriters: 2 });
  expect(after.version).not.toBe(before.version);
  expect(after.figures()).toEqual(before.figures());
  expect(after.folds()).toEqual(before.folds());
  expect(after.newestFold).toBe(4);
  expect(await listed(after)).toEqual([["a", 1]]);
  expect(await listed(after, async () => {}, 0)).toEqual([
    ["a", 6],
    ["b", 5],
  ]);
  expect(after.add("b", 5, { writer: "b", seq: 1 })).toEqual({ count: 5, fold: 0 });
  after.add("c", 1, { writer: "c", seq: 1 }); // evicts a
  expect(after.add("a", 5, { writer: "a", seq: 0 })).toEqual({ count: 6, fold: 4 });
});

test("An object whose storage is full refuses writes, counts none of them, and goes on when it has room", async () => {
  const store = new ObjectStore(sqliteStorage(20));
  const long = (song: number) => `${song}-`.padEnd(500, "x");
  let songs = 0;
  while ((await reasonOf(() => store.add(long(songs), 1))) === undefined) songs++;
  expect(songs).toBeGreaterThan(10);
  expect(store.unavailableBecause).toBe("The storage of this counter is full");
  const batch = new Map(Array.from({ length: 100 }, (_, song) => [long(songs + song), 1]));
  expect(await reasonOf(() => store.addAll(batch, { writer: "w", seq: 1 }))).toBe("unavailable");
  expect(store.figures().songs).toBe(songs);
  expect((await listed(store)).filter(([, count]) => count === 1)).toHaveLength(songs);
  store.clear();
  expect(store.unavailableBecause).toBeUndefined();
  expect(store.add("a", 1).count).toBe(1);
});

test("While an object is full, /health and writes are 503, and nothing is counted", async () => {
  const object = new PlayCounter({ id: { name: "0" }, storage: sqliteStorage(20) }, {});
  const statusOf = async (path: string, method = "GET") =>
    (await object.fetch(new Request(`http://localhost${path}`, { method }))).status;
  const long = (song: number) => `/song/${song}-`.padEnd(500, "x");
  expect(await statusOf("/health")).toBe(200);
  let songs = 0;
  while ((await statusOf(long(songs), "POST")) === 200) songs++;
  expect(await statusOf(long(songs), "POST")).toBe(503);
  expect(await (await object.fetch(new Request(`http://localhost${long(songs)}`))).text()).toBe("0");
  expect(await statusOf("/health")).toBe(503);
  expect(await statusOf("/", "DELETE")).toBe(200);
  expect(await statusOf("/health")).toBe(200);
});

test("An object with tables of a newer version is not opened", () => {
  const storage = sqliteStorage();
  new ObjectStore(storage).add("a", 1);
  storage.sql.exec("UPDATE state SET format = ?", 2);
  expect(() => new ObjectStore(storage)).toThrow("The counts have format 2; this version reads 1");
});

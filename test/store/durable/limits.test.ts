import { afterAll, afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import { cpSync } from "node:fs";
import { join } from "node:path";
import type { DurableStore } from "../../../src/store/durable/durable-store.ts";
import { Refusal } from "../../../src/store/refusal.ts";
import { rounds } from "../../support/extent.ts";
import { closeAll, newFolder, open, removeAll } from "./folders.ts";

setDefaultTimeout(300_000);
afterEach(closeAll);
afterAll(removeAll);

/** Returns a batch with one play each of `count` songs, numbered from `first`. */
function songs(first: number, count: number): Map<string, number> {
  return new Map(Array.from({ length: count }, (_, song) => [`song-${first + song}`, 1]));
}

/**
 * Returns the first row of a query on a copy of a folder. The file is in use, so a copy made during a write
 * fails.
 */
function numbersOf(folder: string, sql: string, tries = 20): Record<string, unknown> {
  const copy = newFolder();
  cpSync(folder, copy, { recursive: true });
  const database = new DatabaseSync(join(copy, "playcount.db"));
  try {
    const [row = {}] = database.prepare(sql).all();
    return row;
  } catch (error) {
    if (tries === 0) throw error;
    return numbersOf(folder, sql, tries - 1);
  } finally {
    database.close();
  }
}

test("Acknowledged folds take neither memory nor places for songs, regardless of their number", async () => {
  const folder = newFolder();
  const store = await open(folder, { maxFolds: 2, maxSongs: 100_000 });
  const folds = rounds(20, 6);
  for (let fold = 1; fold <= folds; fold++) {
    await store.addAll(songs(fold * 20_000, 20_000));
    await store.seal(fold);
    await store.acknowledge(fold);
    while (store.figures().songs > 40_000) await Bun.sleep(1); // freed step by step
  }
  await closeAll();
  const { fold } = numbersOf(folder, "SELECT count(DISTINCT fold) AS fold FROM song");
  expect(fold).toBeLessThan(folds);
});

test("When memory is full, plays of known songs are still counted: single, concurrent and in batches", async () => {
  const store = await open(newFolder(), { maxStoreBytes: 2 ** 20 });
  let known = 0;
  for (const size of [500, 1]) {
    const fits = () =>
      store.addAll(songs(known, size)).then(
        () => true,
        (error) => (expect(error).toMatchObject({ reason: "full" }), false),
      );
    while (await fits()) known += size;
  }
  for (const size of [1, 64, 1000]) {
    await Promise.all(Array.from({ length: size }, (_, song) => store.add(`song-${song % 100}`, 1)));
    await store.addAll(songs(0, Math.min(size, known)));
  }
  expect(store.get("song-0")).toBe(1 + 2 + 2 + 11);
  expect(store.unavailableBecause).toBeUndefined();
});

async function playUntil(isOver: () => boolean, store: DurableStore, client: number): Promise<void> {
  for (let round = 0; !isOver(); round++)
    await store.addAll(songs((client * 3000 + round * 7) % 40_000, 3000));
}

test("Under constant load the log of commits stays short, dropped songs are deleted, and a clear completes", async () => {
  const folder = newFolder();
  const store = await open(folder);
  let isOver = false;
  const playing = Array.from({ length: 4 }, (_, client) => playUntil(() => isOver, store, client));
  for (let fold = 1; fold <= rounds(8, 3); fold++) {
    await store.addAll(songs(0, 10_000));
    await store.seal(fold);
    await store.acknowledge(fold);
    expect(await store.clear()).toBe(true);
  }
  const before = numbersOf(folder, "SELECT count(*) AS commits FROM commits");
  isOver = true;
  await Promise.all(playing);
  expect(before["commits"]).toBeLessThan(1000);
});

test("Under constant load a clear on a condition completes, and asks for the condition at one instant", async () => {
  const store = await open(newFolder());
  let isOver = false;
  const playing = Array.from({ length: 8 }, async (_, client) => {
    while (!isOver) await (client < 4 ? store.add(`song-${client}`, 1) : store.addAll(songs(client, 3)));
  });
  await Bun.sleep(50);
  let asked = 0;
  const isAskedTooOften = () => ++asked > 20;
  expect([await store.clear(isAskedTooOften), await store.clear(() => true)]).toEqual([true, false]);
  const error = new Error("of the condition");
  const clearing = store.clear(() => {
    throw error;
  });
  expect(await clearing.catch((thrown: unknown) => thrown)).toBe(error);
  isOver = true;
  await Promise.all(playing);
  const { version } = store;
  expect(await store.clear((present) => present !== version)).toBe(true);
  expect(store.figures().songs).toBe(0);
});

test("Folds that are dropped without a pause leave few rows, which each later change of folds reads", async () => {
  const folder = newFolder();
  const store = await open(folder);
  for (let fold = 1; fold <= 300; fold++) {
    await Promise.all([store.add("a", 1), store.seal(fold), store.acknowledge(fold)]);
    if (fold % 30 === 0) await store.clear();
  }
  await closeAll();
  expect(numbersOf(folder, "SELECT count(*) AS folds FROM fold")["folds"]).toBeLessThan(50);
});

test.each([
  [2 ** 20, 0, 14],
  [3 * 2 ** 20, 2, 40],
  [2 * 2 ** 20, 0, 9],
])(
  "A store that has filled %i bytes starts again with the same limits: %i folds, ids of %i",
  async (maxStoreBytes, folds, length) => {
    const folder = newFolder();
    let store = await open(folder, { maxStoreBytes });
    let added = 0;
    const more = (count: number) =>
      Array.from({ length: count }, () => [String(added++).padEnd(length, "x"), 1] as const);
    let isFull = false;
    while (!isFull) {
      await store.addAll(new Map(more(2000))).catch(() => (isFull = true));
      if (store.newestFold < folds) await store.seal(store.newestFold + 1);
    }
    for (let refused = 0; refused < 900;) {
      const results = await Promise.allSettled(
        more(1000).map(async ([id, plays]) => await store.add(id, plays)),
      );
      refused = results.filter(({ status }) => status === "rejected").length;
    }
    const { songs } = store.figures();
    await closeAll();
    store = await open(folder, { maxStoreBytes });
    expect(store.figures().songs).toBe(songs);
  },
);

test("Songs that several batches add at once count once against the limit", async () => {
  const store = await open(newFolder(), { maxSongs: 5000 });
  const singly = Array.from({ length: 100 }, (_, song) => store.add(`song-${song}`, 1));
  await Promise.all([songs(0, 5000), songs(2500, 2500), songs(0, 5000)].map((all) => store.addAll(all)));
  await Promise.all(singly);
  expect([store.figures().songs, store.get("song-0"), store.get("song-4999")]).toEqual([5000, 3, 3]);
});

test("Counts up to 2^53 − 1 and ids of all kinds are read back unchanged", async () => {
  const folder = newFolder();
  let store = await open(folder);
  const counts = new Map([
    ["a", Number.MAX_SAFE_INTEGER],
    ["b", Number.MAX_SAFE_INTEGER],
    ["c", 2],
    ["%00", 1],
    ["\0", 3],
    ["a\0b%", 4],
    ["é🎵", 5],
  ]);
  for (const [id, count] of counts) await store.add(id, count);
  await Bun.sleep(50);
  await closeAll();
  store = await open(folder);
  for (const [id, count] of counts) expect(store.get(id), id).toBe(count);
  expect(store.figures()).toMatchObject({ songs: counts.size });
});

test("A play that exceeds 2^53 − 1 with a kept fold is refused, whatever it is sent with, and others are counted", async () => {
  const store = await open(newFolder());
  await store.add("a", Number.MAX_SAFE_INTEGER - 1);
  await store.seal(1);
  await store.acknowledge(1);
  const refused = Refusal.overflow(0, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1);
  const key = { writer: "w".repeat(65), seq: Number.MAX_SAFE_INTEGER };
  const writes: unknown[] = [
    store.add("a", Number.MAX_SAFE_INTEGER),
    store.add("a", Number.MAX_SAFE_INTEGER, key),
    store.addAll(new Map([["a", Number.MAX_SAFE_INTEGER]])),
  ];
  const results = await Promise.allSettled(writes);
  expect(results).toEqual(writes.map(() => ({ status: "rejected", reason: refused })));
  expect(await store.add("a", 1)).toEqual({ count: 1, fold: 1 });
});

test.each([
  ["compacted", "commit-thread-entry.ts"],
  ["not compacted", "idle-commit-thread.ts"],
])("A start does not count songs that only the acknowledged fold has: %s", async (_, module) => {
  const folder = newFolder();
  const store = await open(folder, {}, module);
  await store.addAll(songs(0, 1000));
  await store.seal(1);
  await store.addAll(songs(990, 20));
  await store.acknowledge(1);
  await closeAll();
  const small = await open(folder, { maxSongs: 20 });
  expect([small.figures().songs, small.get("song-0", 0), small.get("song-990", 0)]).toEqual([20, 1, 2]);
  await expect(Promise.resolve(small.add("new", 1))).rejects.toMatchObject({ reason: "full" });
});

test.each([
  [{ maxIdBytes: 9 }, /longer than 9 bytes.*--max-id-bytes$/],
  [{ maxSongs: 49 }, /limit of 49 songs.*Raise --max-songs$/],
  [{ maxStoreBytes: 2 ** 20 }, /memory.*Raise --max-store-bytes$/],
  [{ maxFolds: 1 }, /At most 1 fold.*--max-folds$/],
])("A start with too small a limit says which: %j", async (limits, message) => {
  const folder = newFolder();
  const store = await open(folder);
  await store.addAll(songs(0, "maxStoreBytes" in limits ? 50_000 : 50));
  await store.add("0123456789", 1);
  await store.seal(1);
  await store.add("a", 1);
  await store.seal(2);
  await closeAll();
  await expect(open(folder, limits)).rejects.toThrow(message);
  expect((await open(folder)).get("0123456789")).toBe(1);
});

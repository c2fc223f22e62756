import { afterAll, expect, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { closeAll, newFolder, open, removeAll } from "./folders.ts";

afterAll(removeAll);

test("At most --max-writers writers and a tenth more are kept: the most recently used", async () => {
  const folder = newFolder();
  const writers = Array.from({ length: 100 }, (_, n) => `writer-${n}`);
  const store = await open(folder, { maxWriters: 10 });
  for (const writer of writers) await store.add("1", 1, { writer, seq: 1 });
  await closeAll();

  const database = new DatabaseSync(join(folder, "playcount.db"));
  const kept = database.prepare("SELECT name FROM writer ORDER BY used").all();
  database.close();
  expect(kept.length).toBeLessThanOrEqual(11);

  const again = await open(folder, { maxWriters: 10 });
  expect(again.get("1")).toBe(100);
  for (const [n, writer] of writers.slice(-10).entries()) {
    expect(await again.add("1", 1, { writer, seq: 1 }), writer).toEqual({ count: 91 + n, fold: 0 });
  }
  expect(again.get("1")).toBe(100);
  await closeAll();
});

test("A retried batch gets its first counts again, up to 10,000 songs; a larger one gets the current counts", async () => {
  const folder = newFolder();
  for (const [count, again] of [
    [10_000, 1],
    [10_001, 2],
  ] as const) {
    const batch = new Map(Array.from({ length: count }, (_, song) => [`of-${count}-${song}`, 1]));
    const key = { writer: `writer-${count}`, seq: 1 };
    let store = await open(folder);
    await store.addAll(batch, key);
    await store.addAll(batch);
    await closeAll();
    store = await open(folder);
    const { counts } = await store.addAll(batch, key);
    expect([...new Set(counts)]).toEqual([again]);
    expect(store.get(`of-${count}-7`)).toBe(2);
    await closeAll();
  }
});

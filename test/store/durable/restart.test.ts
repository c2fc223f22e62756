import { afterAll, expect, test } from "bun:test";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import type { DurableStore } from "../../../src/store/durable/durable-store.ts";
import { signState } from "../../../src/store/durable/disk/schema.ts";
import { listed, ODD_IDS, sealed } from "../contract/support.ts";
import { closeAll, newFolder, open, removeAll } from "./folders.ts";

afterAll(removeAll);

function foldOf(store: DurableStore, fold: number): string {
  return JSON.stringify(Array.from(store.fold(fold), (chunk) => [...chunk]).flat());
}

function plays(count: number): Map<string, number> {
  return new Map(Array.from({ length: count }, (_, n) => [`song ${n * 7919}`, 1 + (n % 3)]));
}

test("A fold has the same bytes after a restart, also with other limits", async () => {
  const folder = newFolder();
  let store = await open(folder, { maxSongs: 10_000_000 });
  await store.addAll(plays(5000));
  await store.seal(1);
  await store.addAll(plays(10));
  await store.seal(2);
  const [first, second] = [foldOf(store, 1), foldOf(store, 2)];
  for (const maxSongs of [10_000_000, 10_000, 100_000_000]) {
    await closeAll();
    store = await open(folder, { maxSongs });
    expect(foldOf(store, 1)).toBe(first);
    expect(foldOf(store, 2)).toBe(second);
  }
});

test("Many songs with ids of all kinds are the same after a restart, in each fold", async () => {
  const folder = newFolder();
  let store = await open(folder);
  for (const fold of [1, 2]) {
    await store.addAll(new Map(ODD_IDS.map((id, n) => [id, fold + 10 ** (n % 15)])));
    await store.addAll(plays(40_000));
    await store.seal(fold);
  }
  await store.addAll(new Map(ODD_IDS.map((id, n) => [id, n + 1])));
  const before = await Promise.all([listed(store), sealed(store, 1), sealed(store, 2)]);
  await closeAll();
  store = await open(folder);
  const after = await Promise.all([listed(store), sealed(store, 1), sealed(store, 2)]);
  expect(Bun.deepEquals(after, before)).toBe(true);
  expect(after[1]).toHaveLength(40_000 + ODD_IDS.length);
});

test.each(["min", "max"])("A song whose id is no text prevents a start: the %s", async (which) => {
  const folder = newFolder();
  const store = await open(folder);
  await store.addAll(plays(100));
  await closeAll();
  const database = new DatabaseSync(join(folder, "playcount.db"));
  database.exec(`UPDATE song SET id = CAST(id AS BLOB) WHERE id = (SELECT ${which}(id) FROM song)`);
  database.close();
  await expect(open(folder)).rejects.toThrow("damaged: the songs do not match the digest of their fold");
});

test("The times of folds are those of their seal and acknowledgement after a restart", async () => {
  const folder = newFolder();
  let store = await open(folder);
  await store.seal(1);
  await store.acknowledge(1);
  await Bun.sleep(5);
  await store.seal(2);
  const { oldestSealedAt, lastSealedAt, lastAcknowledgedAt } = store.figures();
  expect(lastAcknowledgedAt).toBeLessThan(oldestSealedAt as number);
  await closeAll();
  store = await open(folder);
  expect(store.figures()).toMatchObject({ oldestSealedAt, lastSealedAt, lastAcknowledgedAt });
});

test("A folder of the format before is served, and upgraded", async () => {
  const folder = newFolder();
  let store = await open(folder);
  await closeAll();
  const database = new DatabaseSync(join(folder, "playcount.db"));
  database.exec(`
    ALTER TABLE fold DROP COLUMN sealed_at; ALTER TABLE fold DROP COLUMN acknowledged_at;
    ALTER TABLE fold DROP COLUMN label;
    ALTER TABLE state DROP COLUMN key0; ALTER TABLE state DROP COLUMN key1;
    UPDATE fold SET state = 'sealed', number = 3; INSERT INTO fold (state) VALUES ('open');
    PRAGMA user_version = 1`);
  signState(database);
  database.close();
  writeFileSync(join(folder, "last-commit"), "");
  store = await open(folder);
  const unknown = { fold: 3, label: "", sealedAt: undefined };
  expect([await store.add("a", 1), store.folds()]).toEqual([{ count: 1, fold: 3 }, [unknown]]);
  await store.seal(4, "a label");
  const sealed = foldOf(store, 4);
  await closeAll();
  store = await open(folder);
  expect([store.get("a"), foldOf(store, 4)]).toEqual([1, sealed]);
  expect(store.folds()).toMatchObject([unknown, { fold: 4, label: "a label" }]);
});

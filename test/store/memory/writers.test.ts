import { expect, test } from "bun:test";
import { ShardedStore } from "../../../src/mod.ts";

const songs = (count: number) => new Map(Array.from({ length: count }, (_, n) => [`song-${n}`, 1]));

test("the answers of large batches are kept until newer ones overwrite them", async () => {
  const store = new ShardedStore({ maxWriters: 1000 });
  const plays = songs(20_000);
  const send = async (writer: number) =>
    (await store.addAll(plays, { writer: `w-${writer}`, seq: 1 })).counts[0];
  for (let writer = 1; writer <= 3; writer++) expect(await send(writer)).toBe(writer);
  for (let writer = 1; writer <= 3; writer++) expect(await send(writer)).toBe(writer);
  expect(await send(4)).toBe(4); // 80,000 totals, of which there is room for 65,536
  for (let writer = 2; writer <= 4; writer++) expect(await send(writer)).toBe(writer);
  expect(await send(1)).toBe(4); // is not counted again, and answered with what there is
  expect(store.get("song-19999")).toBe(4);
});

test("a batch larger than the whole ring is counted once", async () => {
  const store = new ShardedStore({ maxWriters: 1 });
  const key = { writer: "w", seq: 1 };
  expect((await store.addAll(songs(65_536), key)).counts[0]).toBe(1);
  store.add("song-0", 1);
  expect((await store.addAll(songs(65_536), key)).counts[0]).toBe(1);
  expect((await store.addAll(songs(65_537), { writer: "w", seq: 2 })).counts[0]).toBe(3);
  store.add("song-0", 1);
  expect((await store.addAll(songs(65_537), { writer: "w", seq: 2 })).counts[0]).toBe(4);
  expect(store.get("song-65536")).toBe(1);
});

test("the memory of 100,000 writers is bounded, also after 200,000", () => {
  const store = new ShardedStore();
  const plays = songs(50);
  for (let n = 0; n < 200_000; n++) {
    if (n % 10 === 0) store.addAll(plays, { writer: `writer-${n}`, seq: n });
    else store.add("a", 1, { writer: `writer-${n}`, seq: n });
  }
  expect(store.handle.requestsBuffer.byteLength).toBeLessThan(48 * 2 ** 20);
  const before = store.get("a");
  store.add("a", 1, { writer: "writer-100001", seq: 100_001 });
  expect(store.get("a")).toBe(before);
  store.add("a", 1, { writer: "writer-99999", seq: 99_999 });
  expect(store.get("a")).toBe(before + 1);
});

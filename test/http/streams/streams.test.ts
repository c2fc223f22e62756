import { expect, test } from "bun:test";
import { Metrics } from "../../../src/http/metrics/metrics.ts";
import { Streams, type Watch } from "../../../src/http/streams/streams.ts";
import { Refusal } from "../../../src/mod.ts";
import type { CountStore, Entry } from "../../../src/store/count-store.ts";
import { delayed } from "../../store/contract/support.ts";
import { MapStore } from "../../store/map-store.ts";

const SETTINGS = { maxStreams: 10_000, maxStreamSongs: 1000, streamSeconds: 600, streamIdleSeconds: 60 };

/** A store that counts its reads, and can be unavailable. */
class ObservedStore extends MapStore {
  reads: string[] = [];
  rankings = 0;
  isDown = false;

  override getAll(ids: readonly string[], after?: number): number[] {
    if (this.isDown) throw Refusal.unavailable("down");
    this.reads.push(...ids);
    return super.getAll(ids, after);
  }

  override top(n: number, after?: number): Entry[] {
    this.rankings++;
    return super.top(n, after);
  }
}

function open(store: CountStore, changes: Partial<typeof SETTINGS> = {}, signal?: AbortSignal): Streams {
  return new Streams(store, { ...SETTINGS, ...changes }, new Metrics(), signal);
}

/** Opens a stream. Returns a function that reads the next event's data, or `undefined` at the end. */
async function watch(streams: Streams, songs: Watch["songs"], after?: number) {
  const stream = await streams.open({ songs, after });
  if (typeof stream === "string") throw new Error(stream);
  const reader = stream.getReader();
  const next = async () => {
    const { value } = await reader.read();
    const [, data] = /^data: (.*)$/m.exec(new TextDecoder().decode(value)) ?? [];
    return data === undefined ? undefined : (JSON.parse(data) as unknown);
  };
  return { next, cancel: () => reader.cancel() };
}

test("each watched song is read once a look, however many streams watch it, and only after a change", async () => {
  const store = new ObservedStore();
  const streams = open(store);
  const readers = await Promise.all(Array.from({ length: 50 }, () => watch(streams, ["a", "b"])));
  for (const { next } of readers) expect(await next()).toEqual({ a: 0, b: 0 });
  await Bun.sleep(300); // the first look
  store.reads = [];
  await Bun.sleep(600);
  expect(store.reads).toEqual([]);
  store.add("a", 1);
  for (const { next } of readers) expect(await next()).toEqual({ a: 1 });
  expect(store.reads).toEqual(["a", "b"]);
  for (const { cancel } of readers) await cancel();
  store.reads = [];
  store.add("a", 1);
  await Bun.sleep(600);
  expect(store.reads).toEqual([]);
});

test("one ranking serves all lists of the highest songs", async () => {
  const store = new ObservedStore();
  for (let n = 0; n < 20; n++) store.add(`song-${n}`, n + 1);
  const streams = open(store);
  const readers = await Promise.all([1, 5, 10, 5].map((top) => watch(streams, { top })));
  expect(store.rankings).toBe(1);
  for (const [at, top] of [1, 5, 10, 5].entries()) expect(await readers[at]?.next()).toHaveLength(top);
  store.add("song-0", 100);
  for (const { next } of readers) expect(await next()).toContainEqual({ id: "song-0", count: 101 });
  expect(store.rankings).toBeLessThanOrEqual(3);
  for (const { cancel } of readers) await cancel();
});

test("a new reader of the highest songs takes no change from the others", async () => {
  const store = new ObservedStore();
  const streams = open(delayed(store));
  // Between the ranking and the offer, the look pauses to write to many readers.
  const crowd = await Promise.all(Array.from({ length: 3000 }, () => watch(streams, ["x"])));
  const first = await watch(streams, { top: 1 });
  await first.next();
  const next = first.next();
  const ranked = store.rankings;
  store.add("x", 1);
  while (store.rankings === ranked) await Bun.sleep(1);
  await Bun.sleep(2);
  const second = await watch(streams, { top: 1 });
  expect(await next).toEqual([{ id: "x", count: 1 }]);
  for (const { cancel } of [first, second, ...crowd]) await cancel();
});

test("the first list of the highest songs is the current one, also if other streams watched songs before", async () => {
  const store = new ObservedStore();
  store.add("old", 5);
  const streams = open(store);
  const named = await watch(streams, ["other"]);
  const early = await watch(streams, { top: 3 });
  expect(await early.next()).toEqual([{ id: "old", count: 5 }]);
  await early.cancel();
  store.clear();
  store.add("new", 1);
  const late = await watch(streams, { top: 3 });
  expect(await late.next()).toEqual([{ id: "new", count: 1 }]);
  for (const { cancel } of [named, late]) await cancel();
});

test("a list without `after` is not delayed by those with any", async () => {
  const store = new ObservedStore();
  for (let fold = 1; fold <= 10; fold++) store.seal(fold);
  const streams = open(store);
  const others = await Promise.all(Array.from({ length: 10 }, (_, at) => watch(streams, { top: 1 }, at + 1)));
  const reader = await watch(streams, { top: 1 });
  await reader.next();
  await Bun.sleep(3500); // each was ranked
  const { rankings } = store;
  store.add("a", 1);
  expect(await reader.next()).toEqual([{ id: "a", count: 1 }]);
  expect(store.rankings - rankings).toBeLessThanOrEqual(2);
  for (const { cancel } of [reader, ...others]) await cancel();
});

test("streams whose `after` is above the newest fold share their reads, until a fold is sealed", async () => {
  const store = new ObservedStore();
  store.seal(1);
  const streams = open(store);
  const readers = await Promise.all([5, 6, 7, 2 ** 53 - 1].map((after) => watch(streams, ["a"], after)));
  const lists = await Promise.all([5, 6, 7].map((after) => watch(streams, { top: 1 }, after)));
  expect(store.rankings).toBe(1);
  for (const { next } of readers) expect(await next()).toEqual({ a: 0 });
  for (const { next } of lists) expect(await next()).toEqual([]);
  await Bun.sleep(300); // the first look
  store.reads = [];
  store.add("a", 1);
  for (const { next } of readers) expect(await next()).toEqual({ a: 1 });
  expect(store.reads).toEqual(["a"]);
  store.seal(6);
  for (const { next } of readers) expect(await next()).toBeUndefined();
  const after = [await watch(streams, ["a"], 5), await watch(streams, ["a"], 6)];
  expect(await Promise.all(after.map(({ next }) => next()))).toEqual([{ a: 1 }, { a: 0 }]);
  for (const { cancel } of [...after, ...lists]) await cancel();
});

test("streams of lists and of songs with ids like their names are different", async () => {
  const store = new ObservedStore();
  const streams = open(store);
  const watches = [{ top: 5 }, ["top 5"], ["5"], ["a", "b"], ["a b"], ["a,b"]];
  const found = [];
  for (const songs of watches) found.push(await watch(streams, songs));
  expect(await Promise.all(found.map(({ next }) => next()))).toEqual([
    [],
    { "top 5": 0 },
    { "5": 0 },
    { a: 0, b: 0 },
    { "a b": 0 },
    { "a,b": 0 },
  ]);
  for (const { cancel } of found) await cancel();
});

test("a slow reader gets the latest counts of what it has missed, and nothing twice", async () => {
  const store = new ObservedStore();
  const streams = open(store);
  const [slow, quick] = [await watch(streams, ["a", "b", "c"]), await watch(streams, ["a", "b", "c"])];
  for (const id of ["a", "b", "a", "b"]) {
    store.add(id, 1);
    await quick.next();
    await Bun.sleep(50);
  }
  expect(await slow.next()).toEqual({ a: 0, b: 0, c: 0 });
  expect(await slow.next()).toEqual({ a: 2, b: 2 });
  store.add("c", 1);
  expect(await slow.next()).toEqual({ c: 1 });
  await Promise.all([slow.cancel(), quick.cancel()]);
});

test("a reader that takes nothing is cut off while something waits for it, and no other reader", async () => {
  const store = new ObservedStore();
  const streams = open(store, { streamIdleSeconds: 1 });
  const [stalled, silent] = [await watch(streams, ["a"]), await watch(streams, ["other"])];
  const reader = await watch(streams, ["a"]);
  await reader.next();
  for (let n = 1; n <= 12; n++) {
    store.add("a", 1);
    await reader.next();
  }
  await expect(stalled.next()).rejects.toThrow();
  expect(await silent.next()).toEqual({ other: 0 }); // nothing has changed for it
  await Promise.all([silent.cancel(), reader.cancel()]);
});

test("streams survive a store that is unavailable, and a new one ends and says when to come back", async () => {
  const store = new ObservedStore();
  const streams = open(delayed(store));
  const reader = await watch(streams, ["a"]);
  await reader.next();
  store.isDown = true;
  store.add("a", 1);
  await Bun.sleep(600);
  expect(await streams.open({ songs: ["a"], after: undefined })).toMatch(/^retry: [1-5]\d{3}\n\n$/);
  store.isDown = false;
  expect(await reader.next()).toEqual({ a: 1 });
  await reader.cancel();
});

test("a stop ends all streams, also those that are about to open", async () => {
  const store = new ObservedStore();
  const stopping = new AbortController();
  const streams = open(delayed(store), {}, stopping.signal);
  const reader = await watch(streams, ["a"]);
  await reader.next();
  const opening = streams.open({ songs: ["b"], after: undefined });
  stopping.abort();
  expect(await reader.next()).toBeUndefined();
  expect(await opening).toMatch(/^retry: [1-5]\d{3}\n\n$/);
  expect(await streams.open({ songs: ["c"], after: undefined })).toMatch(/^retry: [1-5]\d{3}\n\n$/);
});

test("10,000 watched songs are read in waves, and none of their changes is lost", async () => {
  const store = new MapStore();
  let most = 0;
  const getAll = store.getAll.bind(store);
  store.getAll = (ids, after) => {
    most = Math.max(most, ids.length);
    return getAll(ids, after);
  };
  const streams = open(store, { maxStreamSongs: 10_000 });
  const readers = await Promise.all(
    Array.from({ length: 100 }, (_, page) =>
      watch(
        streams,
        Array.from({ length: 100 }, (_, n) => `${page}-${n}`),
      ),
    ),
  );
  for (const { next } of readers) await next();
  for (let page = 0; page < 100; page++) store.add(`${page}-${page}`, page + 1);
  for (const [page, { next }] of readers.entries())
    expect(await next()).toEqual({ [`${page}-${page}`]: page + 1 });
  expect(most).toBeLessThanOrEqual(250);
  expect(await streams.open({ songs: ["one more"], after: undefined })).toBe("retry: 60000\n\n");
  for (const { cancel } of readers) await cancel();
});

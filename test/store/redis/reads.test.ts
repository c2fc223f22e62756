import { afterEach, expect, setDefaultTimeout } from "bun:test";
import { Metrics } from "../../../src/http/metrics/metrics.ts";
import { Streams } from "../../../src/http/streams/streams.ts";
import { stopAll } from "./support/clean-up.ts";
import { Interposer, mayCount } from "./support/interposer.ts";
import { RedisServer, testWithRedis } from "./support/redis-server.ts";
import { openStore } from "./support/stores.ts";

setDefaultTimeout(300_000);
afterEach(stopAll);

testWithRedis("Songs that are read together take one command, also after a fold", async () => {
  const redis = await RedisServer.start();
  const interposer = await Interposer.start(Number(redis.address.split(":")[1]));
  const store = await openStore(interposer.url, { storePrefix: "shared" });
  const other = await openStore(`redis://${redis.address}`, { storePrefix: "shared" });
  const ids = Array.from({ length: 100 }, (_, n) => `song-${n}`);
  await other.addAll(new Map(ids.map((id) => [id, 2])));
  let scripts = 0;
  interposer.fate = (words) => {
    if (mayCount(words) && words.some((word) => word === "count")) scripts++;
    return "well";
  };
  expect(await store.getAll(ids)).toEqual(ids.map(() => 2));
  expect(await store.getAll(ids)).toEqual(ids.map(() => 2));
  expect(scripts).toBe(2);
  await other.seal(1);
  expect(await store.getAll(ids)).toEqual(ids.map(() => 2));
  expect(scripts).toBe(4); // the first one has learned the heads
});

testWithRedis("Streams of 10,000 songs have the plays that another server counts", async () => {
  const redis = await RedisServer.start();
  const open = () => openStore(`redis://${redis.address}`, { storePrefix: "shared", maxWaiting: 10_000 });
  const [store, other] = [await open(), await open()];
  const settings = { maxStreams: 100, maxStreamSongs: 10_000, streamSeconds: 600, streamIdleSeconds: 60 };
  const stopping = new AbortController();
  const streams = new Streams(store, settings, new Metrics(), stopping.signal);
  const pages = Array.from({ length: 100 }, (_, page) =>
    Array.from({ length: 100 }, (_, n) => `${page}-${n}`),
  );
  const opening = pages.map((songs) => streams.open({ songs, after: undefined }));
  const opened = (await Promise.all(opening)) as ReadableStream<Uint8Array>[];
  const readers = opened.map((stream) => stream.getReader());
  for (const reader of readers) await reader.read();
  await other.addAll(new Map(pages.map((songs, page) => [songs[page] as string, page + 1])));
  for (const [page, reader] of readers.entries()) {
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value)).toBe(`event: counts\ndata: {"${page}-${page}":${page + 1}}\n\n`);
  }
  stopping.abort();
});

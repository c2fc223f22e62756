import { describe, expect, test } from "bun:test";
import { createHandler, type HandlerOptions, ShardedStore, type StoreOptions } from "../../src/mod.ts";

const HOST = "http://localhost";

describe("Options", () => {
  const status = async (options: HandlerOptions & StoreOptions, path: string, init: RequestInit = {}) =>
    (await createHandler(new ShardedStore(options), options)(new Request(HOST + path, init))).status;

  test.each<HandlerOptions>([
    { resource: "" },
    { resource: "a/b" },
    { resource: ":id" },
    { basePath: "/" },
    { basePath: "plays" },
    { maxBodyBytes: 0 },
    { maxBodyBytes: 1.5 },
    { maxBodyBytes: Number.NaN },
    { maxBatchSongs: 0 },
    { bodySeconds: 0 },
    { maxPendingBytes: 0 },
  ])("out of their range are refused: %p", (options) => {
    expect(() => createHandler(new ShardedStore(), options)).toThrow(RangeError);
  });

  test("set the resource and the base path", async () => {
    const options = { resource: "video", basePath: "/a/b.c" };
    for (const path of ["/a/b.c/video/1", "/a/b.c/", "/a/b.c/health"])
      expect(await status(options, path)).toBe(200);
    for (const path of ["/video/1", "/a/b.c/song/1", "/a/b.c", "/", "/health", "/a/bxc/video/1"]) {
      expect(await status(options, path), path).toBe(404);
    }
    const list = await createHandler(new ShardedStore(), options)(new Request(`${HOST}/a/b.c/`));
    expect(list.headers.get("link-template")).toBe('"/a/b.c/video/{id}"; rel="item"');
  });

  test.each(["x", "é", "歌", "😀", "/"])("limit an id of %p by its bytes of UTF-8", async (character) => {
    const bytes = new TextEncoder().encode(character).length;
    const path = (times: number) => `/song/${encodeURIComponent(character.repeat(times))}`;
    const maxIdBytes = bytes * 5;
    expect(await status({ maxIdBytes }, path(5))).toBe(200);
    expect(await status({ maxIdBytes }, path(6))).toBe(414);
    expect(await status({ maxIdBytes: maxIdBytes - 1 }, path(5))).toBe(414);
  });

  test("limit a body by its bytes", async () => {
    const post = (body: string) => ({ method: "POST", body });
    expect(await status({ maxBodyBytes: 5 }, "/song/1", post("00012"))).toBe(200);
    expect(await status({ maxBodyBytes: 5 }, "/song/1", post("000123"))).toBe(413);
    expect(await status({ maxBodyBytes: 5 }, "/", { method: "DELETE", body: "éé1" })).toBe(200);
    expect(await status({ maxBodyBytes: 5 }, "/", { method: "DELETE", body: "ééé" })).toBe(413);
  });

  test("limit a batch by its songs, while it is still being read", async () => {
    const store = new ShardedStore();
    const pulled: number[] = [];
    const body = new ReadableStream({
      pull(controller) {
        controller.enqueue(new TextEncoder().encode("a=1,b=1,"));
        pulled.push(pulled.length);
      },
    });
    const headers = { "content-type": "text/plain" };
    const request = new Request(`${HOST}/batch`, { method: "POST", headers, body });
    expect((await createHandler(store, { maxBatchSongs: 8 })(request)).status).toBe(413);
    expect(pulled.length).toBeWithin(4, 9);
    expect(store.figures().songs).toBe(0);
  });

  test("have defaults: an id of 512 bytes, and a batch of 16 MiB", async () => {
    expect(await status({}, `/song/${"x".repeat(512)}`)).toBe(200);
    expect(await status({}, `/song/${"x".repeat(513)}`)).toBe(414);
    const batch = (length: number) => {
      const body = new Blob(["a=1"]).stream();
      return { method: "POST", body, headers: { "content-length": String(length) } };
    };
    expect(await status({}, "/batch", batch(16 * 1024 * 1024))).toBe(200);
    expect(await status({}, "/batch", batch(16 * 1024 * 1024 + 1))).toBe(413);
  });

  test("with a signal announce the stop of the server, while counting goes on", async () => {
    const stopping = new AbortController();
    const handle = createHandler(new ShardedStore(), { signal: stopping.signal });
    const ask = async (path: string, method = "GET") =>
      (await handle(new Request(HOST + path, { method }))).status;
    expect(await ask("/health")).toBe(200);
    stopping.abort();
    expect(await ask("/health")).toBe(503);
    expect(await ask("/health", "HEAD")).toBe(503);
    const { headers } = await handle(new Request(`${HOST}/health`));
    expect(headers.get("link")).toContain("/Unavailable>");
    expect(headers.get("retry-after")).toBe("1");
    expect(await ask("/health/live")).toBe(200);
    expect(await ask("/song/1", "POST")).toBe(200);
  });
});

test("an option that is undefined has its default, in a handler and in a store", async () => {
  const store = new ShardedStore({
    maxSongs: undefined,
    maxIdBytes: undefined,
    maxFolds: undefined,
    maxWriters: undefined,
    maxStoreBytes: undefined,
    threads: undefined,
  });
  const handle = createHandler(store, {
    resource: undefined,
    basePath: undefined,
    maxBodyBytes: undefined,
    token: undefined,
    playToken: undefined,
    corsOrigins: undefined,
    allowedHosts: undefined,
    trustsLength: undefined,
    whenParsed: undefined,
    signal: undefined,
    metrics: undefined,
  });
  const answer = await handle(new Request("http://localhost/song/1", { method: "POST" }));
  expect(await answer.text()).toBe("1");
});

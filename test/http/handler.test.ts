import { afterEach, beforeEach, describe, expect, mock, spyOn, test } from "bun:test";
import { type CountStore, createHandler, Refusal, ShardedStore } from "../../src/mod.ts";
import { MapStore } from "../store/map-store.ts";
import { delayed } from "../store/contract/support.ts";

const HOST = "http://localhost";
const FAILED = "Internal Server Error";
const PATHS = [
  ["/", "/?top=2", "/?top=0", "/health", "/else", "//", "/song/"],
  ["/song/1", "/song/a%2Fb", "/song/%zz", "/song/./1", "/song/é", `/song/${"x".repeat(513)}`],
].flat();
const METHODS = ["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"];
const HEADERS: Record<string, string>[] = [
  {},
  { accept: "application/json" },
  { accept: "image/png" },
  { prefer: "return=minimal" },
  { "if-match": '"no"' },
  { "if-none-match": "*" },
];

/** Makes one request of each kind without a body. */
const BODYLESS = PATHS.flatMap((path) =>
  METHODS.flatMap((method) => HEADERS.map((headers) => () => new Request(HOST + path, { method, headers }))),
);

describe("A handler", () => {
  test("answers every request without a body synchronously", async () => {
    const handle = createHandler(new ShardedStore());
    const statuses = new Set<number>();
    for (const make of BODYLESS) {
      const response = handle(make());
      expect(response, `${make().method} ${make().url}`).toBeInstanceOf(Response);
      statuses.add((await response).status);
    }
    expect([...statuses].sort()).toEqual([200, 204, 304, 400, 404, 405, 406, 412, 414]);
  });

  test("gives the same answers with an asynchronous store", async () => {
    const handleNow = createHandler(new ShardedStore());
    const handleLater = createHandler(delayed(new ShardedStore()));
    for (const make of BODYLESS) {
      expect(await shown(await handleLater(make()))).toEqual(await shown(await handleNow(make())));
    }
  });

  test("answers requests with a body later, with a synchronous or an asynchronous store", async () => {
    for (const store of [new ShardedStore(), delayed(new ShardedStore())]) {
      const handle = createHandler(store);
      const answer = handle(new Request(`${HOST}/song/1`, { method: "POST", body: "41" }));
      expect(answer).toBeInstanceOf(Promise);
      expect(await (await answer).text()).toBe("41");
      expect((await handle(new Request(`${HOST}/`, { method: "DELETE", body: "?" }))).status).toBe(200);
      expect(await store.get("1")).toBe(0);
    }
  });

  test("ignores the fragment of a URL", async () => {
    const handle = createHandler(new ShardedStore());
    await handle(new Request(`${HOST}/song/1`, { method: "POST" }));
    expect(await (await handle(new Request(`${HOST}/?top=1#now`))).text()).toBe("1=1");
    expect(await (await handle(new Request(`${HOST}/song/1#now`))).text()).toBe("1");
  });

  test("ends the walk over the songs if the body is not needed", async () => {
    const store = new ShardedStore();
    const handle = createHandler(store);
    for (let n = 0; n < 20_000; n++) store.add(`song-${n}`, 1);
    const walk = spyOn(store, "entries");
    const head = await handle(new Request(`${HOST}/`, { method: "HEAD" }));
    expect(await head.text()).toBe("");
    const generator = walk.mock.results[0]?.value as Generator;
    expect(generator.next().done).toBe(true);
  });
});

describe("With a store that fails", () => {
  beforeEach(() => void spyOn(console, "error").mockImplementation(() => {}));
  afterEach(() => mock.restore());

  const secret = new Error("SQLITE_IOERR at /var/lib/secret");

  test.each([
    ["get", "GET", "/song/1"],
    ["get", "HEAD", "/song/1"],
    ["add", "POST", "/song/1"],
    ["entries", "GET", "/"],
    ["top", "GET", "/?top=1"],
    ["clear", "DELETE", "/"],
  ])("in %s, %s %s is 500, without internals", async (name, method, path) => {
    // A walk has no promise to reject.
    const ways = name === "entries" ? [thrower(secret)] : [thrower(secret), () => Promise.reject(secret)];
    for (const fail of ways) {
      const handle = createHandler(failing(name, fail));
      const response = await handle(new Request(HOST + path, { method }));
      expect([response.status, await response.text()]).toEqual([500, method === "HEAD" ? "" : FAILED]);
      expect(JSON.stringify([...response.headers])).not.toContain("secret");
      const headers = { accept: "application/json" };
      const json = await (await handle(new Request(HOST + path, { method, headers }))).text();
      if (method !== "HEAD")
        expect(JSON.parse(json)).toEqual({ type: "about:blank", title: FAILED, status: 500 });
    }
    expect(console.error).toHaveBeenCalledTimes(2 * ways.length);
    expect(console.error).toHaveBeenLastCalledWith(secret);
  });

  test("that says so, /health is 503, and /health/live is 200", async () => {
    const store = Object.defineProperty(new ShardedStore(), "unavailableBecause", {
      value: "The disk is full",
    });
    const handle = createHandler(store);
    const health = await handle(new Request(`${HOST}/health`));
    expect([health.status, await health.text()]).toEqual([503, "Service Unavailable\nThe disk is full"]);
    expect((await handle(new Request(`${HOST}/health/live`))).status).toBe(200);
  });

  test("during a long list, the list breaks off", async () => {
    const store = delayed(new ShardedStore());
    store.entries = async function* () {
      yield [["a".repeat(100_000), 1]];
      throw secret;
    };
    const response = await createHandler(store)(new Request(`${HOST}/`));
    expect(await response.text().catch((error: unknown) => error)).toBe(secret);
  });

  test.each([[undefined], [null], ["text"], [{ status: 200 }], [Symbol("x")]])(
    "by throwing %p, a request is 500 as well",
    async (thrown) => {
      for (const fail of [thrower(thrown), () => Promise.reject(thrown)]) {
        const response = await createHandler(failing("get", fail))(new Request(`${HOST}/song/1`));
        expect([response.status, await response.text()]).toEqual([500, FAILED]);
      }
      expect(console.error).toHaveBeenCalledTimes(2);
    },
  );

  test.each([
    ["full", 507, "Insufficient Storage\nno"],
    ["overflow", 409, "Conflict\nno"],
  ] as const)("by refusing (%s), a request is %d, and nothing is logged", async (reason, status, text) => {
    const refusal = new Refusal(reason, "no");
    for (const fail of [thrower(refusal), () => Promise.reject(refusal)]) {
      const handle = createHandler(failing("add", fail));
      for (const body of [null, "5"]) {
        const response = await handle(new Request(`${HOST}/song/1`, { method: "POST", body }));
        expect([response.status, await response.text()]).toEqual([status, text]);
      }
    }
    expect(console.error).not.toHaveBeenCalled();
  });
});

describe("The number of plays", () => {
  test("that reaches the store is never above 2^53 - 1", async () => {
    const store = new ShardedStore();
    const added = spyOn(store, "add");
    const handle = createHandler(store);
    for (const body of ["9007199254740992", "9".repeat(30), "9".repeat(400)]) {
      const response = await handle(new Request(`${HOST}/song/1`, { method: "POST", body }));
      expect(response.status).toBe(409);
    }
    // `CountStore` promises its makers whole numbers up to 2^53 - 1.
    expect(added.mock.calls.filter(([, plays]) => !Number.isSafeInteger(plays))).toEqual([]);
  });

  test.each<[string, number, () => ReadableStream]>([
    [
      "breaks off",
      400,
      () => new ReadableStream({ pull: (controller) => controller.error(new Error("reset")) }),
    ],
    ["breaks off after a number", 400, () => brokenAfter("5")],
    [
      "never ends",
      413,
      () => new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(64)) }),
    ],
  ])("of a request whose body %s is 0", async (_, status, body) => {
    const store = new ShardedStore();
    store.add("kept", 1);
    const { version } = store;
    const handle = createHandler(store, { maxBodyBytes: 1024 });
    for (const [method, path] of [
      ["POST", "/song/1"],
      ["DELETE", "/"],
    ] as const) {
      const response = await handle(new Request(HOST + path, { method, body: body() }));
      expect(response.status).toBe(status);
    }
    expect(store.version).toBe(version);
  });
});

/** An answer as a client sees it, without the parts that differ each time or are unknown for a stream. */
async function shown(response: Response): Promise<unknown> {
  const { etag, date, "content-length": _, ...headers } = Object.fromEntries(response.headers);
  const [hasTag, hasDate] = [etag !== undefined, date !== undefined];
  return { status: response.status, headers, hasTag, hasDate, body: await response.text() };
}

function brokenAfter(text: string): ReadableStream {
  return new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
    pull: (controller) => controller.error(new Error("reset")),
  });
}

/** A store with one method replaced. */
function failing(method: string, fail: () => unknown): ShardedStore {
  return Object.defineProperty(new ShardedStore(), method, { value: fail });
}

function thrower(error: unknown): () => never {
  return () => {
    throw error;
  };
}

test("Only a conditional clear passes a condition to the store", async () => {
  const asked: boolean[] = [];
  const store = new MapStore();
  const spy: CountStore = Object.create(store, {
    clear: {
      value: (unless?: (version: string) => boolean) => {
        asked.push(unless !== undefined);
        return store.clear(unless);
      },
    },
    version: { get: () => store.version },
  });
  const handler = createHandler(spy);
  const clear = async (headers: Record<string, string>) =>
    (await handler(new Request("http://localhost/", { method: "DELETE", headers }))).status;
  expect([await clear({}), await clear({ "if-match": "*" }), await clear({ "if-match": '"x"' })]).toEqual([
    200, 200, 412,
  ]);
  expect(asked).toEqual([false, false, true]);
});

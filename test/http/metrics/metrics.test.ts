import { describe, expect, setSystemTime, test } from "bun:test";
import { watchEventLoop } from "../../../src/http/metrics/event-loop-delay.ts";
import { createHandler, type Handler, type HandlerOptions, Metrics, ShardedStore } from "../../../src/mod.ts";
import { toOlderText, toOpenMetrics } from "../../../src/http/metrics/exposition.ts";
import { Refusal } from "../../../src/store/refusal.ts";
import { MapStore } from "../../store/map-store.ts";

/** Parses OpenMetrics 1.0: samples by name and labels. Throws for malformed text. */
function parse(text: string): Map<string, number> {
  if (!text.endsWith("# EOF\n")) throw new Error("The text has no end");
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  const suffixes: Record<string, string[]> = {
    counter: ["_total"],
    gauge: [""],
    info: ["_info"],
    histogram: ["_bucket", "_count", "_sum"],
  };
  let family = "";
  for (const line of text.slice(0, -"# EOF\n".length).split("\n").slice(0, -1)) {
    const [, keyword, name = "", rest = ""] = /^# (TYPE|UNIT|HELP) ([a-z_]+) (.+)$/.exec(line) ?? [];
    if (keyword === "TYPE") {
      expect(types.has(name), name).toBe(false);
      types.set((family = name), rest);
    } else if (keyword === "UNIT") expect(name).toEndWith(`_${rest}`);
    else if (keyword === undefined) {
      const sample =
        /^([a-z_]+)(\{(?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)*(?<!,)\})? ((?:\d+)(?:\.\d+)?(?:e-?\d+)?)$/.exec(
          line,
        );
      if (sample === null) throw new Error(`No sample: ${line}`);
      const [, full = "", labels = "", value] = sample;
      expect(suffixes[types.get(family) ?? ""]).toContain(full.slice(family.length));
      expect(full).toStartWith(family);
      samples.set(full + labels, Number(value));
    } else expect(name).toBe(family);
  }
  return samples;
}

/** Returns the metrics of a handler in OpenMetrics. */
async function readMetrics(handle: Handler, basePath = ""): Promise<string> {
  const headers = { accept: "application/openmetrics-text" };
  return (await handle(new Request(`http://localhost${basePath}/metrics`, { headers }))).text();
}

function start(options: HandlerOptions = {}, store = new ShardedStore()) {
  const handle = createHandler(store, options);
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await handle(new Request(`http://localhost${path}`, init));
    await response.text();
    return response;
  };
  const metrics = async () => parse(await readMetrics(handle, options.basePath));
  return { ask, metrics };
}

const requests = (samples: ReadonlyMap<string, number>) =>
  Object.fromEntries([...samples].filter(([name]) => name.startsWith("playcount_requests")));

describe("GET /metrics", () => {
  test("has the time when the process started to serve, also if another thread answers", async () => {
    const buffer = Metrics.share(1);
    setSystemTime(new Date("2026-11-28T07:00:00Z"));
    const main = new Metrics(buffer);
    setSystemTime(new Date("2026-11-28T08:00:00Z"));
    const samples = await start({ metrics: new Metrics(buffer, 1) }).metrics();
    setSystemTime();
    expect(main.startedAt).toBe(Date.UTC(2026, 10, 28, 7));
    expect(samples.get("process_start_time_seconds")).toBe(Date.UTC(2026, 10, 28, 7) / 1000);
  });

  test("counts requests by route, method and status", async () => {
    const { ask, metrics } = start({ token: "t" });
    await ask("/song/1", { method: "POST" });
    await ask("/song/2", { method: "POST" });
    await ask("/song/2", { method: "POST", body: "x" });
    await ask("/song/2", { method: "HEAD" });
    await ask("/song/2", { method: "OPTIONS" });
    await ask("/", { method: "DELETE" });
    await ask("/nowhere");
    await ask("/song/%");
    await ask("/", { headers: { origin: "https://evil.example" } });
    await ask("/health", { headers: { accept: "image/png" } });
    expect(requests(await metrics())).toEqual({
      'playcount_requests_total{route="",method="GET",status="403"}': 1,
      'playcount_requests_total{route="",method="GET",status="404"}': 1,
      'playcount_requests_total{route="/",method="DELETE",status="401"}': 1,
      'playcount_requests_total{route="/health",method="GET",status="200"}': 1,
      'playcount_requests_total{route="/song/{id}",method="GET",status="400"}': 1,
      'playcount_requests_total{route="/song/{id}",method="HEAD",status="200"}': 1,
      'playcount_requests_total{route="/song/{id}",method="OPTIONS",status="204"}': 1,
      'playcount_requests_total{route="/song/{id}",method="POST",status="200"}': 2,
      'playcount_requests_total{route="/song/{id}",method="POST",status="400"}': 1,
    });
    expect(
      (await metrics()).get('playcount_requests_total{route="/metrics",method="GET",status="200"}'),
    ).toBe(1);
  });

  test("has the numbers of songs, plays and folds, and their memory", async () => {
    const { ask, metrics } = start();
    const post = { method: "POST", headers: { "content-type": "text/plain" } };
    await ask("/folds/1", { method: "PUT" });
    await ask("/song/1", { ...post, body: "5" });
    await ask("/batch", { ...post, body: "1=1,2=10,3=0" });
    for (let again = 0; again < 2; again++)
      // answered twice, and so counted twice
      await ask("/song/1", { ...post, headers: { "idempotency-key": '"w:1"' } });
    for (const fold of [2, 3]) await ask(`/folds/${fold}`, { method: "PUT" });
    await ask("/folds/1", { method: "DELETE" });
    const samples = await metrics();
    expect(samples.get("playcount_songs")).toBe(2);
    expect(samples.get("playcount_plays_total")).toBe(18);
    expect(samples.get('playcount_folds{state="open"}')).toBe(1);
    expect(samples.get('playcount_folds{state="sealed"}')).toBe(2);
    expect(samples.get("playcount_store_bytes")).toBeWithin(2 ** 20, 2 ** 27);
    await ask("/", { method: "DELETE" });
    expect((await metrics()).get("playcount_songs")).toBe(0);
    expect((await metrics()).get("playcount_plays_total")).toBe(18);
    const [bytes = 0, limit = 0] = ["bytes", "limit_bytes"].map((name) =>
      samples.get(`playcount_store_${name}`),
    );
    expect(limit).toBeGreaterThan(bytes);
  });

  test("tells when folds were sealed and acknowledged, and the age of the oldest one", async () => {
    const { ask, metrics } = start();
    const figures = async () => {
      const samples = await metrics();
      const names = ["last_fold_sealed_timestamp", "last_fold_acknowledged_timestamp"];
      const [sealed, acknowledged] = names.map((name) => samples.get(`playcount_${name}_seconds`));
      return { sealed, acknowledged, age: samples.get("playcount_oldest_unacknowledged_fold_age_seconds") };
    };
    const [day, hour, second] = [86_400, 3600, 1];
    expect(await figures()).toEqual({ sealed: undefined, acknowledged: undefined, age: 0 });
    try {
      setSystemTime(day * 1000);
      await ask("/folds/1", { method: "PUT" });
      setSystemTime((day + hour) * 1000);
      for (const fold of [1, 2]) await ask(`/folds/${fold}`, { method: "PUT" });
      expect(await figures()).toEqual({ sealed: day + hour, acknowledged: undefined, age: hour });
      setSystemTime((day + hour + second) * 1000);
      for (let again = 0; again < 2; again++) await ask("/folds/1", { method: "DELETE" });
      expect(await figures()).toEqual({ sealed: day + hour, acknowledged: day + hour + second, age: second });
      await ask("/folds/2", { method: "DELETE" });
      expect(await figures()).toEqual({ sealed: day + hour, acknowledged: day + hour + second, age: 0 });
      setSystemTime(day * 1000); // a clock that was set back
      await ask("/folds/3", { method: "PUT" });
      setSystemTime(0);
      expect(await figures()).toEqual({ sealed: day, acknowledged: day + hour + second, age: 0 });
    } finally {
      setSystemTime();
    }
  });

  test("is the same with every store, except for unknown memory", async () => {
    const plain = createHandler(new MapStore());
    await plain(new Request("http://localhost/song/a", { method: "POST", body: "3" }));
    const samples = parse(await readMetrics(plain));
    expect(samples.get("playcount_plays_total")).toBe(3);
    expect(samples.get("playcount_songs")).toBe(1);
    expect(samples.has("playcount_store_bytes")).toBe(false);
  });

  test("has the figures of the process also while the store is out of reach", async () => {
    const store = new ShardedStore();
    const { ask, metrics } = start({}, store);
    expect((await metrics()).get("playcount_store_up")).toBe(1);
    await ask("/song/a", { method: "POST" });
    Object.defineProperty(store, "unavailableBecause", { value: "The storage has failed" });
    expect((await metrics()).get("playcount_store_up")).toBe(0);
    Object.defineProperty(store, "figures", { value: () => Promise.reject(Refusal.unavailable("No Redis")) });
    const samples = await metrics();
    expect(samples.get("playcount_store_up")).toBe(0);
    expect(samples.get("playcount_plays_total")).toBe(1);
    expect(samples.has("playcount_songs")).toBe(false);
  });

  test("does not grow with what clients send", async () => {
    const { ask, metrics } = start();
    for (let n = 0; n < 200; n++) {
      await ask(`/song/${n}`, { method: "POST" });
      await ask(`/no/${n}`);
      await ask("/", { method: `M${n}` });
    }
    expect(Object.keys(requests(await metrics())).length).toBeLessThanOrEqual(4);
  });

  test("is OpenMetrics for a client that names it, and otherwise the older text format", async () => {
    const handle = createHandler(new ShardedStore());
    const older = "text/plain; version=0.0.4; charset=utf-8";
    const open = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    const prometheus = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6";
    for (const [accept, type] of [
      ["*/*", older],
      ["text/plain", older],
      ["text/html", older],
      ["application/json", older],
      ["image/png", older],
      ["application/*", older],
      ["text/plain;version=0.0.4, application/openmetrics-text;q=0.5", older],
      ["application/openmetrics-text;q=0, */*", older],
      ["application/openmetrics-text", open],
      ["application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5", open],
      [`${prometheus},text/plain;version=1.0.0;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2`, open],
    ] as const) {
      const response = await handle(new Request("http://localhost/metrics", { headers: { accept } }));
      expect([response.status, accept, response.headers.get("content-type")]).toEqual([200, accept, type]);
      expect(response.headers.get("vary")).toBe("Accept");
    }
  });

  test("adds up the numbers of all workers, and counts dead ones", () => {
    const buffer = Metrics.share(2);
    const [main, one, two] = [0, 1, 2].map((worker) => new Metrics(buffer, worker)) as [
      Metrics,
      Metrics,
      Metrics,
    ];
    one.isServing = true;
    two.isServing = true;
    for (const worker of [one, two, two]) worker.countResponse(0, "GET", 200);
    two.observeDelay(0.003);
    one.observeDelay(7);
    expect(main.requests(["/"])).toEqual([{ route: "/", method: "GET", status: 200, requests: 3 }]);
    expect(one.workers).toBe(2);
    expect(main.delayHistogram.counts).toEqual([0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
    expect(main.delayHistogram.sum).toBeCloseTo(7.003);
    main.recordDeath(2);
    expect([one.workers, one.deaths]).toEqual([1, 1]);
    expect(() => new Metrics(buffer, 3)).toThrow(RangeError);
  });
});

test("A late turn of the event loop is counted until the watch is stopped", async () => {
  const metrics = new Metrics();
  const stopping = new AbortController();
  watchEventLoop(metrics, stopping.signal);
  await Bun.sleep(150);
  Bun.sleepSync(400);
  await Bun.sleep(50);
  expect(metrics.delayHistogram.sum).toBeGreaterThan(0.2);
  stopping.abort();
  const { counts } = metrics.delayHistogram;
  await Bun.sleep(250);
  expect(metrics.delayHistogram.counts).toEqual(counts);
});

test("Labels and help texts are escaped", () => {
  const labels = { a: 'x"\\\n' };
  const { text } = toOpenMetrics([
    { name: "a", type: "gauge", help: "b\nc", samples: [{ labels, value: 1 }] },
  ]);
  expect(text).toBe('# TYPE a gauge\n# HELP a b\\nc\na{a="x\\"\\\\\\n"} 1\n# EOF\n');
});

test("In the older text format a counter and an info are named as their samples, and units are left out", () => {
  const samples = (suffix: string) => [{ suffix, labels: { a: "1" }, value: 1 }];
  const { text } = toOlderText([
    { name: "a", type: "counter", help: "b", samples: samples("_total") },
    { name: "c", type: "info", help: "d", samples: samples("_info") },
    { name: "e_bytes", type: "gauge", unit: "bytes", help: "f", samples: samples("") },
  ]);
  expect(text).toBe(
    [
      '# TYPE a_total counter\n# HELP a_total b\na_total{a="1"} 1\n',
      '# TYPE c_info gauge\n# HELP c_info d\nc_info{a="1"} 1\n',
      '# TYPE e_bytes gauge\n# HELP e_bytes f\ne_bytes{a="1"} 1\n',
    ].join(""),
  );
});

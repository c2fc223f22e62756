import { expect } from "bun:test";
import { type Cases, expectAnswer, expectNothingCounted, json } from "../subject.ts";

const ALLOWED = {
  "/song/1": "GET, HEAD, POST, OPTIONS",
  "/": "GET, HEAD, DELETE, OPTIONS",
  "/health": "GET, HEAD, OPTIONS",
  "/health/live": "GET, HEAD, OPTIONS",
};

/** Methods of each path, `HEAD` and `OPTIONS` included. */
export const methods: Cases = {
  "an OpenAPI document describes the whole interface, whatever the client accepts": async ({ fetch }) => {
    for (const accept of ["*/*", "application/json", "text/plain"]) {
      const answer = await fetch("/openapi.json", { headers: { accept } });
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
      const { openapi, paths } = (await answer.json()) as { openapi: string; paths: object };
      expect([openapi, Object.keys(paths)[0]]).toEqual(["3.1.0", "/song/{id}"]);
    }
  },

  "a method that a path does not have is refused with the list of its methods": async (subject) => {
    for (const [path, allow] of Object.entries(ALLOWED)) {
      for (const method of ["GET", "POST", "DELETE", "PUT", "PATCH", "PROPFIND"]) {
        if (allow.includes(method)) continue;
        const { headers } = await expectAnswer(
          subject.fetch(path, { method }),
          405,
          `Method Not Allowed\n${path} allows ${allow}`,
        );
        expect(headers.get("allow")).toBe(allow);
        expect(headers.get("cache-control")).toBe("no-store");
      }
    }
    await expectNothingCounted(subject);
  },

  "a refused method is a problem in JSON if that is preferred": async ({ fetch }) => {
    const answer = await fetch("/song/1", { method: "DELETE", headers: json });
    expect(answer.headers.get("content-type")).toBe("application/problem+json");
    expect(answer.headers.get("allow")).toBe(ALLOWED["/song/1"]);
    expect(await answer.json()).toEqual({
      type: "about:blank",
      title: "Method Not Allowed",
      status: 405,
      detail: "/song/1 allows GET, HEAD, POST, OPTIONS",
    });
  },

  "OPTIONS lists the methods of a path": async (subject) => {
    for (const [path, allow] of Object.entries(ALLOWED)) {
      const { headers } = await expectAnswer(subject.fetch(path, { method: "OPTIONS" }), 204, "");
      expect(headers.get("allow")).toBe(allow);
    }
    await expectNothingCounted(subject);
  },

  "HEAD is GET without its body": async ({ fetch }) => {
    await expectAnswer(fetch("/song/%C3%A4", { method: "POST", body: "12" }), 200);
    for (const path of ["/song/%C3%A4", "/song/2", "/", "/?top=2", "/health", "/x", "/song/%zz", "/?top=x"]) {
      for (const headers of [{}, json]) {
        const got = await fetch(path, { headers });
        const head = await fetch(path, { method: "HEAD", headers });
        expect(await head.text()).toBe("");
        expect(head.status).toBe(got.status);
        for (const name of ["content-type", "vary", "cache-control", "etag", "link"]) {
          expect({ path, name, value: head.headers.get(name) }).toEqual({
            path,
            name,
            value: got.headers.get(name),
          });
        }
        const length = String((await got.bytes()).length);
        expect(head.headers.get("content-length") ?? length).toBe(length);
      }
    }
  },

  "the metrics are OpenMetrics, and count requests": async ({ fetch }) => {
    await expectAnswer(fetch("/song/a", { method: "POST" }), 200, "1");
    const answer = await fetch("/metrics", { headers: { accept: "application/openmetrics-text" } });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe(
      "application/openmetrics-text; version=1.0.0; charset=utf-8",
    );
    expect(answer.headers.get("cache-control")).toBe("no-store");
    const text = await answer.text();
    expect(text).toMatch(
      /^playcount_requests_total\{route="\/song\/\{id\}",method="POST",status="200"\} [1-9]\d*$/m,
    );
    expect(text).toMatch(/^playcount_songs 1$/m);
    expect(text).toMatch(/^playcount_store_up 1$/m);
    expect(text).toMatch(/^# TYPE playcount info$/m);
    expect(text).toEndWith("# EOF\n");
  },

  "the metrics of a client that does not name OpenMetrics are in the older text format": async ({
    fetch,
  }) => {
    for (const accept of ["*/*", "text/html", "application/json"]) {
      const answer = await fetch("/metrics", { headers: { accept } });
      expect([answer.status, answer.headers.get("content-type")]).toEqual([
        200,
        "text/plain; version=0.0.4; charset=utf-8",
      ]);
      const text = await answer.text();
      expect(text).toMatch(/^# TYPE playcount_requests_total counter$/m);
      expect(text).toMatch(/^# TYPE playcount_info gauge$/m);
      expect(text).not.toMatch(/^# (?:UNIT|EOF)/m);
    }
  },

  "health is answered whatever the client accepts, as JSON if that is preferred": async ({ fetch }) => {
    for (const path of ["/health", "/health/live"]) {
      for (const accept of ["text/html", "image/png", "*/*;q=0", "nonsense"])
        await expectAnswer(fetch(path, { headers: { accept } }), 200, "OK");
      await expectAnswer(fetch(path, { headers: json }), 200, '{"status":"ok"}');
    }
  },

  "HEAD of a long list has no length, rather than a wrong one": async ({ fetch }) => {
    const ids = Array.from({ length: 200 }, (_, at) => `${at}${"x".repeat(400)}`);
    await Promise.all(ids.map((id) => expectAnswer(fetch(`/song/${id}`, { method: "POST" }), 200)));
    const answer = await expectAnswer(fetch("/", { method: "HEAD" }), 200, "");
    expect(answer.headers.get("content-length")).toBe(null);
  },
};

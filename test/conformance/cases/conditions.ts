import { expect } from "bun:test";
import { type Cases, expectAnswer, expectNothingCounted, json } from "../subject.ts";

const POST = { method: "POST" } as const;
const PUT = { method: "PUT" } as const;
const DELETE = { method: "DELETE" } as const;

const READABLE = ["/song/1", "/song/1?after=0", "/", "/?top=2", "/folds", "/folds/1"];
const ONE_PROCESS = ["/health", "/health/live", "/metrics", "/openapi.json"];

/** Fields that fail on a resource that exists, whatever its entity tag. */
const REFUSED_IF_MATCH = ['"x"', 'W/"x"', '"x", "y"', "x", "", `"${"x".repeat(900)}"`];
const FULFILLED_IF_NONE_MATCH = ['"x"', 'W/"x"', '"x" , W/"y"', "x", "", '"*"', '"x, *"'];

/** `If-Match` and `If-None-Match` on every resource (RFC 9110 §13). */
export const conditions: Cases = {
  "every resource that can be read evaluates conditions, also for HEAD": async (subject) => {
    const { fetch } = subject;
    // workerd leaves out fields that are empty.
    const isSent = (field: string) => field !== "" || !subject.runtime.startsWith("Cloudflare");
    await expectAnswer(fetch("/song/1", POST), 200, "1");
    await expectAnswer(fetch("/folds/1", PUT), 201, "1=1");
    for (const path of [...READABLE, ...ONE_PROCESS]) {
      for (const method of ["GET", "HEAD"]) {
        const ask = async (headers: Record<string, string>) => {
          const answer = await fetch(path, { method, headers });
          await answer.body?.cancel();
          return { path, headers, status: answer.status };
        };
        for (const match of REFUSED_IF_MATCH.filter(isSent)) {
          const headers = { "if-match": match };
          expect(await ask(headers)).toEqual({ path, headers, status: 412 });
        }
        for (const noneMatch of FULFILLED_IF_NONE_MATCH.filter(isSent)) {
          const headers = { "if-none-match": noneMatch };
          expect(await ask(headers)).toEqual({ path, headers, status: 200 });
        }
        for (const [headers, status] of [
          [{ "if-match": "*" }, 200],
          [{ "if-none-match": "*" }, 304],
          [{ "if-match": "*", "if-none-match": "*" }, 304],
          [{ "if-match": '"x"', "if-none-match": "*" }, 412],
        ] as const)
          expect(await ask(headers)).toEqual({ path, headers, status });
      }
    }
  },

  "a 304 has the headers that a cache needs, and no body": async ({ fetch }) => {
    for (const path of ["/song/1", "/", "/openapi.json"]) {
      const full = await fetch(path, { headers: json });
      await full.body?.cancel();
      const answer = await expectAnswer(fetch(path, { headers: { ...json, "if-none-match": "*" } }), 304, "");
      for (const name of ["etag", "vary", "cache-control"])
        expect([path, name, answer.headers.get(name)]).toEqual([path, name, full.headers.get(name)]);
      expect(answer.headers.get("content-type")).toBeNull();
    }
  },

  "the OpenAPI document has an entity tag, and is answered 304 while a client has it": async ({ fetch }) => {
    const tag = (await fetch("/openapi.json")).headers.get("etag") ?? "none";
    expect(tag).toMatch(/^"[\w-]+"$/);
    for (const held of [tag, `W/${tag}`, `"x",${tag}`])
      await expectAnswer(fetch("/openapi.json", { headers: { "if-none-match": held } }), 304, "");
    await expectAnswer(fetch("/openapi.json", { headers: { "if-match": tag } }), 200);
    await expectAnswer(fetch("/openapi.json", { headers: { "if-match": `W/${tag}` } }), 412);
    expect((await fetch("/openapi.json")).headers.get("etag")).toBe(tag);
  },

  "a condition that fails hides no other error": async (subject) => {
    const { fetch } = subject;
    for (const fold of [1, 2]) {
      await expectAnswer(fetch(`/folds/${fold}`, PUT), 201, "");
      await expectAnswer(fetch(`/folds/${fold}`, DELETE), 200, "OK");
    }
    for (const condition of [{ "if-match": '"x"' }, { "if-match": "*" }, { "if-none-match": "*" }] as const) {
      const key = { ...condition, "idempotency-key": "nonsense" };
      for (const [path, init, status] of [
        ["/nothing", {}, 404],
        ["/folds/9", {}, 404],
        ["/folds/9", { method: "HEAD" }, 404],
        ["/folds/9", DELETE, 404],
        ["/folds/1", {}, 410],
        ["/song/1?after=0", {}, 410],
        ["/?after=0", {}, 410],
        ["/?top=1&after=0", {}, 410],
        ["/?top=0", {}, 400],
        ["/folds/x", PUT, 400],
        ["/folds/0", DELETE, 400],
        ["/song/%ff", POST, 400],
        ["/song/1", PUT, 405],
        ["/", { headers: { accept: "image/png" } }, 406],
        ["/song/1", { ...POST, headers: key }, 400],
        ["/batch", { ...POST, headers: key }, 400],
      ] as const) {
        const headers = { ...condition, ...("headers" in init ? init.headers : {}) };
        const answer = await fetch(path, { ...init, headers });
        await answer.body?.cancel();
        expect({ path, init, condition, status: answer.status }).toEqual({ path, init, condition, status });
      }
    }
    await expectNothingCounted(subject);
  },

  "PUT with If-None-Match: * seals a fold that is not there, and with If-Match: * only answers one that is":
    async ({ fetch }) => {
      const put = (headers: Record<string, string>, fold = 1) => fetch(`/folds/${fold}`, { ...PUT, headers });
      await expectAnswer(fetch("/song/1", POST), 200, "1");
      await expectAnswer(put({ "if-match": "*" }), 412);
      await expectAnswer(put({ "if-match": '"x"' }), 412);
      await expectAnswer(put({ "if-match": "*", "if-none-match": "*" }), 412);
      await expectAnswer(fetch("/folds"), 200, "");
      await expectAnswer(put({ "if-none-match": "*" }), 201, "1=1");
      await expectAnswer(put({ "if-none-match": "*" }), 412);
      await expectAnswer(put({ "if-none-match": '"x"' }), 200, "1=1");
      await expectAnswer(put({ "if-match": "*" }), 200, "1=1");
      await expectAnswer(put({ "if-match": '"x"' }), 412);
      await expectAnswer(put({ "if-none-match": "*" }, 2), 201, "");
      await expectAnswer(fetch("/folds"), 200, "1,2");
    },

  "of several requests that seal a fold only if it is not there, one succeeds": async ({ fetch }) => {
    const init = { ...PUT, headers: { "if-none-match": "*" } };
    const answers = await Promise.all(Array.from({ length: 4 }, () => fetch("/folds/7", init)));
    await Promise.all(answers.map((answer) => answer.text()));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 412, 412, 412]);
  },

  "DELETE of a fold evaluates conditions on a fold that is there": async ({ fetch }) => {
    const drop = (headers: Record<string, string>) => fetch("/folds/1", { ...DELETE, headers });
    await expectAnswer(fetch("/folds/1", PUT), 201, "");
    await expectAnswer(drop({ "if-none-match": "*" }), 412);
    await expectAnswer(drop({ "if-match": '"x"' }), 412);
    await expectAnswer(fetch("/folds"), 200, "1");
    await expectAnswer(drop({ "if-match": "*", "if-none-match": '"x"' }), 200, "OK");
    await expectAnswer(fetch("/folds"), 200, "");
  },

  "a batch has no representation that a condition could name": async (subject) => {
    const add = (headers: Record<string, string>) =>
      subject.fetch("/batch", {
        ...POST,
        headers: { "content-type": "text/plain", ...headers },
        body: "a=1",
      });
    for (const match of ["*", '"x"']) await expectAnswer(add({ "if-match": match }), 412);
    await expectNothingCounted(subject);
    await expectAnswer(add({ "if-none-match": "*" }), 200, "a=1");
  },

  "a condition of more than 1024 characters is refused": async (subject) => {
    const long = '"x",'.repeat(257);
    for (const name of ["if-match", "if-none-match"]) {
      for (const [path, method] of [
        ["/", "GET"],
        ["/", "DELETE"],
        ["/song/1", "POST"],
        ["/folds/1", "PUT"],
      ] as const)
        await expectAnswer(subject.fetch(path, { method, headers: { [name]: long } }), 400);
    }
    await expectAnswer(subject.fetch("/folds"), 200, "");
    await expectNothingCounted(subject);
  },
};

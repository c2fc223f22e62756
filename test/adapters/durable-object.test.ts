import { afterEach, beforeEach, expect, mock, spyOn, test } from "bun:test";
import worker, { type CounterBindings, PlayCounter } from "../../src/adapters/durable-object.ts";
import { sqliteStorage } from "../store/object/sqlite-storage.ts";

beforeEach(() => void spyOn(console, "error").mockImplementation(() => {}));
afterEach(() => mock.restore());

/** Asks a Worker whose object fails. */
async function askFailing(
  error: unknown,
  init: RequestInit,
  more: object = {},
  path = "/song/1",
): Promise<Response> {
  const bindings: CounterBindings = {
    PLAY_COUNTER: { getByName: () => ({ fetch: () => Promise.reject(error) }) },
    ...more,
  };
  return await worker.fetch(new Request(`https://plays.example${path}`, init), bindings);
}

test("If an object was reset, the outcome of a write is unknown, and the log has the reason", async () => {
  const reset = Object.assign(new Error("internal error"), { durableObjectReset: true });
  for (const method of ["POST", "PUT", "DELETE"]) {
    const answer = await askFailing(reset, { method });
    expect(answer.status).toBe(500);
    expect(answer.headers.get("link")).toContain("UnknownOutcome");
    expect(await answer.text()).toBe("Internal Server Error\nThe request may have been counted or not");
  }
  const read = await askFailing(reset, {});
  expect(`${read.status} ${await read.text()}`).toBe("500 Internal Server Error");
  expect(console.error).toHaveBeenCalledTimes(4);
});

test("If an object is overloaded, nothing was done, and the client is told to retry", async () => {
  const answer = await askFailing(Object.assign(new Error("overloaded"), { overloaded: true }), {
    method: "POST",
  });
  expect(answer.status).toBe(503);
  expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
  expect(await answer.text()).toBe("Service Unavailable\nThe counter is overloaded");
});

test("A page of an allowed origin can read what the Worker itself answers, and no other page", async () => {
  const origins = { PLAYCOUNT_CORS_ORIGINS: "https://music.example", COUNTERS: 2 };
  const overload = Object.assign(new Error("overloaded"), { overloaded: true });
  const ask = (origin: string, path: string) => askFailing(overload, { headers: { origin } }, origins, path);
  for (const [path, status] of [["/3/song/1", 404] as const, ["/1/song/1", 503] as const]) {
    const answer = await ask("https://music.example", path);
    const { headers } = answer;
    expect(answer.status).toBe(status);
    expect(headers.get("access-control-allow-origin")).toBe("https://music.example");
    expect(headers.get("vary")).toEndWith("Origin");
    expect((await ask("https://other.example", path)).headers.has("access-control-allow-origin")).toBe(false);
  }
});

test("An invalid setting is 500, also with several counters, and the log has the reason", async () => {
  const answer = await askFailing(
    new Error(),
    {},
    { COUNTERS: 2, PLAYCOUNT_BASE_PATH: "plays/" },
    "/0/song/1",
  );
  expect(answer.status).toBe(500);
  expect(String(spyOn(console, "error").mock.calls[0])).toContain("PLAYCOUNT_BASE_PATH must be");
});

test("A target that is no path is refused by the Worker", async () => {
  const bindings: CounterBindings = {
    PLAY_COUNTER: { getByName: () => ({ fetch: () => Promise.reject() }) },
  };
  const request = { url: "*", method: "OPTIONS", headers: new Headers() } as Request;
  expect((await worker.fetch(request, bindings)).status).toBe(400);
});

test("An object names unknown settings, and a missing token, when it starts", () => {
  new PlayCounter({ id: {}, storage: sqliteStorage() }, { PLAYCOUNT_TOKN: "secret" });
  expect(spyOn(console, "error").mock.calls.flat()).toEqual([
    "playcount: PLAYCOUNT_TOKN is unknown and ignored; did you mean PLAYCOUNT_TOKEN?",
    "playcount: warning: every client can clear all counts; set the secret PLAYCOUNT_TOKEN",
  ]);
});

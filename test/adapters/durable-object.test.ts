import { afterEach, beforeEach, expect, mock, spyOn, test } from "bun:test";
import worker, { type CounterBindings } from "../../src/adapters/durable-object.ts";

beforeEach(() => void spyOn(console, "error").mockImplementation(() => {}));
afterEach(() => mock.restore());

/** Asks a Worker whose object fails. */
async function askFailing(error: unknown, method: string): Promise<Response> {
  const bindings: CounterBindings = {
    PLAY_COUNTER: { getByName: () => ({ fetch: () => Promise.reject(error) }) },
  };
  return await worker.fetch(new Request("https://plays.example/song/1", { method }), bindings);
}

test("If an object was reset, the outcome of a write is unknown, and the log has the reason", async () => {
  const reset = Object.assign(new Error("internal error"), { durableObjectReset: true });
  for (const method of ["POST", "PUT", "DELETE"]) {
    const answer = await askFailing(reset, method);
    expect(answer.status).toBe(500);
    expect(answer.headers.get("link")).toContain("UnknownOutcome");
    expect(await answer.text()).toBe("Internal Server Error\nThe request may have been counted or not");
  }
  const read = await askFailing(reset, "GET");
  expect(`${read.status} ${await read.text()}`).toBe("500 Internal Server Error");
  expect(console.error).toHaveBeenCalledTimes(4);
});

test("If an object is overloaded, nothing was done, and the client is told to retry", async () => {
  const answer = await askFailing(Object.assign(new Error("overloaded"), { overloaded: true }), "POST");
  expect(answer.status).toBe(503);
  expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
  expect(await answer.text()).toBe("Service Unavailable\nThe counter is overloaded");
});

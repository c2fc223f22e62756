import { afterEach, describe, expect, test } from "bun:test";
import { CountClient, type CountClientOptions } from "../../src/client/client.ts";
import { serveNoMore, servePlaycount, stopAll } from "../support/servers.ts";

afterEach(stopAll);

const SERVER = "http://counts.example";

/** Values that are no ids, with the end of the error. */
const NO_IDS: readonly (readonly [unknown, string])[] = [
  [42, "An id must be a string, not 42"],
  [42n, 'An id must be a string, not the bigint "42"'],
  [undefined, "An id must be a string, not undefined"],
  [null, "An id must be a string, not null"],
  [["a"], 'An id must be a string, not the object "a"'],
  [Symbol("a"), 'An id must be a string, not the symbol "Symbol(a)"'],
  ["", 'The id "" cannot be part of a path'],
  ["\ud83c", 'The id "\\ud83c" cannot be part of a path'],
  ["a\udfb5", 'The id "a\\udfb5" cannot be part of a path'],
];

test.each(NO_IDS)(
  "%p as an id is a TypeError that says so, and nothing is counted",
  async (value, message) => {
    const id = value as string;
    const url = servePlaycount();
    const client = new CountClient([url, servePlaycount()]);
    const plays = new Map([
      ["good", 1],
      [id, 1],
    ]);
    for (const call of [client.getPlayCount(id), client.incrementPlayCount(id), client.addPlays(plays)]) {
      const failure = await call.catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(TypeError);
      expect((failure as Error).message).toBe(message);
    }
    expect(() => client.serverOf(id)).toThrow(message);
    expect(await client.getAllPlayCounts()).toEqual(new Map());
  },
);

/** Values that are no numbers of plays, as the error quotes them. */
const NO_PLAYS: readonly (readonly [unknown, string])[] = [
  ["1,b=5", 'the string "1,b=5"'],
  ["5", 'the string "5"'],
  [5n, 'the bigint "5"'],
  [-1, "-1"],
  [0.5, "0.5"],
  [NaN, "NaN"],
  [Infinity, "Infinity"],
  [2 ** 53, "9007199254740992"],
  [undefined, "undefined"],
  [{ toString: () => "1,b=5" }, 'the object "1,b=5"'],
];

test.each(NO_PLAYS)("%p as plays is a RangeError, and nothing is counted", async (value, shown) => {
  const client = new CountClient(servePlaycount());
  const plays = new Map([
    ["good", 1],
    ["a", value as number],
  ]);
  const failure = await client.addPlays(plays).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(RangeError);
  expect((failure as Error).message).toBe(
    `The plays of "a" must be a whole number from 0 to 9007199254740991, not ${shown}`,
  );
  expect(await client.getAllPlayCounts()).toEqual(new Map());
});

describe("addPlays", () => {
  test("takes plays of 0 and the largest number, and counts no song for 0", async () => {
    const client = new CountClient(servePlaycount());
    const plays = new Map([
      ["none", 0],
      ["most", Number.MAX_SAFE_INTEGER],
    ]);
    expect(await client.addPlays(plays)).toEqual(plays);
    expect([...(await client.getAllPlayCounts()).keys()]).toEqual(["most"]);
  });

  test("with an aborted signal rejects even without songs", async () => {
    const call = new CountClient(await serveNoMore()).addPlays(new Map(), {
      signal: AbortSignal.abort("no"),
    });
    await expect(call).rejects.toBe("no");
  });

  test.each([{ a: 1 }, null, [["a", 1]], new Set(["a"])])("of %p says what it takes", async (plays) => {
    const client = new CountClient(servePlaycount());
    const call = client.addPlays(plays as unknown as Map<string, number>);
    await expect(call).rejects.toThrow(TypeError);
    await expect(call).rejects.toThrow("Plays must be a Map of ids to numbers");
  });
});

test.each<[string, () => unknown]>([
  ["The options must be an object, not null", () => new CountClient(SERVER, null as never)],
  ["The options must be an object, not 5", () => new CountClient(SERVER, 5 as never)],
  ["fetch must be a function, not 5", () => new CountClient(SERVER, { fetch: 5 as never })],
])("%s: a TypeError", (message, construct) => {
  expect(construct).toThrow(new TypeError(message));
});

test("A fold without a function to save it is a TypeError, and is not sealed", async () => {
  const url = servePlaycount();
  const client = new CountClient(url);
  const failure = await client.fold(1, null as never).catch((error: unknown) => error);
  expect(failure).toEqual(new TypeError("save must be a function, not null"));
  expect(await (await fetch(`${url}/folds`)).text()).toBe("");
});

test("Ids that are no list are a TypeError", async () => {
  const client = new CountClient(servePlaycount());
  for (const ids of ["42", undefined, null, 42])
    await expect(client.getPlayCounts(ids as never)).rejects.toThrow("ids must be an object, not ");
  await expect(client.getPlayCounts(["a", ""])).rejects.toThrow('The id "" cannot be part of a path');
});

test("Options may be undefined: they have their defaults then", async () => {
  const options: CountClientOptions = {
    resource: undefined,
    token: undefined,
    timeoutMs: undefined,
    retries: undefined,
    fetch: undefined,
  };
  const client = new CountClient(servePlaycount(), options);
  expect(await client.incrementPlayCount("1", { signal: undefined })).toBe(1);
  expect(await client.getPlayCount("1", { signal: undefined, after: undefined })).toBe(1);
  await client.fold(1, async (slices) => expect((await Array.fromAsync(slices)).length).toBe(1), {
    signal: undefined,
    sliceSongs: undefined,
  });
});

test("A `fetch` that ignores its signal is left alone after the time-out, and when its call is aborted", async () => {
  const fetchNothing = () => new Promise<Response>(() => {});
  const options = { retries: 0, timeoutMs: 50, fetch: fetchNothing };
  const silent = new CountClient("http://counts.example", options).getPlayCount("1");
  await expect(silent).rejects.toThrow("failed: no answer within 50 ms");
  const controller = new AbortController();
  const patient = new CountClient("http://counts.example", { ...options, timeoutMs: 60_000 });
  const aborted = patient.getPlayCount("1", { signal: controller.signal });
  controller.abort("bored");
  await expect(aborted).rejects.toBe("bored");
});

test("A `fetch` that throws fails as one that rejects", async () => {
  const client = new CountClient("http://counts.example", {
    retries: 0,
    fetch: () => {
      throw new Error("no network");
    },
  });
  await expect(client.getPlayCount("1")).rejects.toThrow(
    "GET http://counts.example/song/1 failed: no network",
  );
});

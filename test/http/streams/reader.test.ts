import { expect, test } from "bun:test";
import { Reader } from "../../../src/http/streams/reader.ts";

const utf8 = new TextEncoder();

/** Opens a stream that has begun at 0, and whose events name the look after which they are. */
function open(events: { offered: number }) {
  const ended: Reader[] = [];
  const eventSince = (look: number) => utf8.encode(`since ${look}`);
  const source = {
    get offered() {
      return events.offered;
    },
    eventSince,
  };
  const options = { endsAt: 600_000, idleMs: 60_000, onEnd: (reader: Reader) => ended.push(reader) };
  const reader = new Reader(source, events.offered, options);
  const stream = reader.open(utf8.encode("first"), 0).getReader();
  const next = async () => {
    const { done, value } = await stream.read();
    return done ? undefined : new TextDecoder().decode(value);
  };
  return { reader, next, ended };
}

test("15 seconds of silence are broken by a comment", async () => {
  const { reader, next } = open({ offered: 0 });
  expect(await next()).toBe("first");
  expect(reader.tend(14_999)).toBe(false);
  expect(reader.tend(15_000)).toBe(true);
  expect(await next()).toBe(":\n\n");
  expect(reader.tend(29_999)).toBe(false);
  expect(reader.tend(30_000)).toBe(true);
});

test("an event is written when the one before is read, and has everything since", async () => {
  const events = { offered: 3 };
  const { reader, next } = open(events);
  events.offered = 5;
  expect(reader.tend(1)).toBe(false); // the first one waits
  expect(await next()).toBe("first");
  expect(await next()).toBe("since 3");
  expect(reader.tend(2)).toBe(false); // nothing is new
  events.offered = 9;
  expect(reader.tend(3)).toBe(true);
  expect(await next()).toBe("since 5");
});

test("a stream ends at its time", async () => {
  const { reader, next, ended } = open({ offered: 0 });
  expect(await next()).toBe("first");
  reader.tend(600_000);
  expect(await next()).toBeUndefined();
  expect(ended).toEqual([reader]);
  reader.end();
  expect(reader.tend(700_000)).toBe(false);
  expect(ended).toHaveLength(1);
});

test("a client that reads nothing is cut off when something has waited for idleMs", async () => {
  const events = { offered: 0 };
  const { reader, next, ended } = open(events);
  reader.tend(14_999);
  events.offered = 1;
  reader.tend(20_000);
  reader.tend(79_999);
  expect(ended).toEqual([]);
  reader.tend(80_000);
  expect(ended).toEqual([reader]);
  await expect(next()).rejects.toThrow();
});

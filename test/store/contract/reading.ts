import { expect, test } from "bun:test";
import type { Entry } from "../../../src/mod.ts";
import { addEach, countOf, byId, listed, type MakeStore } from "./support.ts";

/** Returns `plays` of each song whose number is a multiple of `step` below `end`. */
function songs(end: number, plays: number, step = 1, prefix = "song-"): Entry[] {
  return Array.from({ length: Math.ceil(end / step) }, (_, n) => [`${prefix}${n * step}`, plays]);
}

/** Tests `entries`. */
export function testEntries(makeStore: MakeStore): void {
  test("all songs are listed, each once", async () => {
    const store = await makeStore({});
    const entries = Array.from({ length: 2000 }, (_, n): Entry => [`song-${n}`, n + 1]);
    await addEach(store, entries);
    expect(await listed(store)).toEqual(entries.toSorted(byId));
  });

  test("a list that is not read to its end does not change the store", async () => {
    const store = await makeStore({});
    for (let n = 0; n < 200; n++) await store.add(`song-${n}`, 1);
    for await (const chunk of store.entries()) {
      expect(typeof chunk[Symbol.iterator]).toBe("function");
      break;
    }
    expect(await countOf(store.add("song-0", 1))).toBe(2);
    expect(await listed(store)).toHaveLength(200);
  });
}

/** Tests `entries` while songs change. */
export function testEntriesWhile(makeStore: MakeStore): void {
  test("a list that is read while songs are played has every song from before, each once", async () => {
    const store = await makeStore({});
    await addEach(store, songs(2000, 10));
    let chunks = 0;
    const found = await listed(store, async () => {
      await addEach(store, songs(2000, 1, 20));
      await addEach(store, songs(20, 1, 1, `late-${chunks}-`));
      chunks++;
    });
    expect(new Set(found.map(([id]) => id)).size).toBe(found.length);
    const old = found.filter(([id]) => id.startsWith("song-"));
    expect(old).toHaveLength(2000);
    for (const [id, count] of old) expect(count - 10, id).toBeWithin(0, chunks + 1);
    const late = found.filter(([id]) => id.startsWith("late-"));
    expect(late.every(([, count]) => count === 1)).toBe(true);
    expect(late.length).toBeLessThanOrEqual(chunks * 20);
  });

  test("a list that is read during clears and additions has no song twice", async () => {
    const store = await makeStore({});
    await addEach(store, songs(2000, 10));
    const found = await listed(store, async () => {
      await store.clear();
      await addEach(store, songs(2000, 1, 7));
    });
    expect(new Set(found.map(([id]) => id)).size).toBe(found.length);
    expect(found.every(([, count]) => count === 1 || count === 10)).toBe(true);
    expect(await listed(store)).toHaveLength(Math.ceil(2000 / 7));
  });
}

/** Tests `top`. */
export function testTop(makeStore: MakeStore): void {
  test("the highest counts come first, and equal ones are ordered by id", async () => {
    const store = await makeStore({});
    for (const [id, count] of [
      ["b", 2],
      ["a", 2],
      ["c", 9],
      ["\uffff", 2],
      ["😀", 2],
      ["B", 2],
      ["d", 1],
    ] as const) {
      await store.add(id, count);
    }
    // By code units, as `<` has it: the emoji begins with D83D.
    const all = [
      ["c", 9],
      ["B", 2],
      ["a", 2],
      ["b", 2],
      ["😀", 2],
      ["\uffff", 2],
      ["d", 1],
    ] satisfies Entry[];
    for (let n = 1; n <= 9; n++) expect(await store.top(n)).toEqual(all.slice(0, n));
    expect(await store.top(1000)).toEqual(all);
  });

  test("the top of an empty store is empty", async () => {
    const store = await makeStore({});
    expect(await store.top(1)).toEqual([]);
    await store.add("a", 0);
    expect(await store.top(1000)).toEqual([]);
  });

  test("the top of many nearly equal counts is exact", async () => {
    const store = await makeStore({});
    const ids = Array.from({ length: 1000 }, (_, n) => `song-${n}`);
    await addEach(
      store,
      ids.map((id): Entry => [id, id.endsWith("77") ? 2 : 1]),
    );
    const first = ids.filter((id) => id.endsWith("77")).toSorted();
    const rest = ids.filter((id) => !id.endsWith("77")).toSorted();
    const top = await store.top(50);
    expect(top.map(([id]) => id)).toEqual([...first, ...rest].slice(0, 50));
  });
}

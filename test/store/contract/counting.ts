import { expect, test } from "bun:test";
import { type Entry, MAX_COUNT } from "../../../src/mod.ts";
import { addEach, countOf, byId, foldsOf, listed, type MakeStore, ODD_IDS, reasonOf } from "./support.ts";

/** Tests `get` and `add`. */
export function testCounting(makeStore: MakeStore): void {
  test("an unknown song has 0 plays, and reading does not register it", async () => {
    const store = await makeStore({ maxSongs: 0 });
    expect(await store.get("a")).toBe(0);
    expect(await listed(store)).toEqual([]);
  });

  test("an addition returns the new count, and reads return the same", async () => {
    const store = await makeStore({});
    expect(await countOf(store.add("a", 1))).toBe(1);
    expect(await countOf(store.add("a", 41))).toBe(42);
    expect(await countOf(store.add("b", 7))).toBe(7);
    expect([await store.get("a"), await store.get("b"), await store.get("c")]).toEqual([42, 7, 0]);
  });

  test("adding 0 returns the count and registers nothing", async () => {
    const store = await makeStore({ maxSongs: 1 });
    expect(await countOf(store.add("a", 0))).toBe(0);
    expect(await listed(store)).toEqual([]);
    await store.add("b", 3);
    expect(await countOf(store.add("b", 0))).toBe(3);
    expect(await countOf(store.add("c", 0))).toBe(0); // though there is no room
    expect(await listed(store)).toEqual([["b", 3]]);
  });

  test("concurrent additions are all counted, and each is atomic", async () => {
    const store = await makeStore({});
    const counts = await Promise.all(Array.from({ length: 500 }, () => countOf(store.add("a", 1))));
    expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 500 }, (_, at) => at + 1));
    expect(await store.get("a")).toBe(500);
  });
}

/** Tests `getAll`. */
export function testGetAll(makeStore: MakeStore): void {
  test("several songs are read in the order asked, as each by itself", async () => {
    const store = await makeStore({});
    expect(await store.getAll([])).toEqual([]);
    await addEach(
      store,
      ODD_IDS.slice(1).map((id, at): Entry => [id, at]),
    );
    expect(await store.getAll(ODD_IDS)).toEqual(await Promise.all(ODD_IDS.map((id) => store.get(id))));
    const many = Array.from({ length: 600 }, (_, n) => (n % 7 === 0 ? "é" : `song-${n}`));
    expect(await store.getAll(many)).toEqual(await Promise.all(many.map((id) => store.get(id))));
    expect(await listed(store)).toHaveLength(ODD_IDS.length - 2); // asking has registered none
    await store.seal(1);
    await store.add("歌", 1);
    expect(await store.getAll(["歌", "é"], 1)).toEqual([1, 0]);
    expect(await reasonOf(() => store.getAll(["a", "x".repeat(513)]))).toBe("too long");
    for (const fold of [1, 2]) {
      if (fold > 1) await store.seal(fold);
      await store.acknowledge(fold);
    }
    expect(await reasonOf(() => store.getAll(["a"], 0))).toBe("gone");
  });
}

/** Tests the ranges of counts and ids. */
export function testRange(makeStore: MakeStore): void {
  test("a count goes up to 2^53 - 1, and an addition that would exceed it is refused and changes nothing", async () => {
    const store = await makeStore({});
    expect(await countOf(store.add("a", MAX_COUNT - 1))).toBe(MAX_COUNT - 1);
    expect(await reasonOf(() => store.add("a", 2))).toBe("overflow");
    expect(await reasonOf(() => store.add("a", MAX_COUNT))).toBe("overflow");
    expect(await store.get("a")).toBe(MAX_COUNT - 1);
    expect(await countOf(store.add("a", 1))).toBe(MAX_COUNT);
    expect(await reasonOf(() => store.add("a", 1))).toBe("overflow");
    expect(await countOf(store.add("a", 0))).toBe(MAX_COUNT);
    expect(await countOf(store.add("b", MAX_COUNT))).toBe(MAX_COUNT);
    expect(await listed(store)).toEqual([
      ["a", MAX_COUNT],
      ["b", MAX_COUNT],
    ]);
  });

  test("plays, folds and labels out of their range are a RangeError, and change nothing", async () => {
    const store = await makeStore({});
    await store.add("a", 3);
    await store.seal(2);
    const key = { writer: "w", seq: 1 };
    const errors: unknown[] = [];
    const call = async (act: () => unknown) => {
      try {
        errors.push(await act());
      } catch (error) {
        errors.push((error as Error).name);
      }
    };
    for (const plays of [-1, 0.5, NaN, Infinity, MAX_COUNT + 1]) {
      await call(() => store.add("a", plays));
      await call(() => store.add("a", plays, key));
      await call(() =>
        store.addAll(
          new Map([
            ["b", 1],
            ["a", plays],
          ]),
        ),
      );
    }
    for (const fold of [-1, 0, 2.5, NaN, Infinity, MAX_COUNT + 1]) await call(() => store.seal(fold));
    for (const label of ["x".repeat(201), "é", "a\n"]) await call(() => store.seal(3, label));
    expect(errors).toEqual(errors.map(() => "RangeError"));
    expect(await store.add("a", 1)).toEqual({ count: 4, fold: 2 });
    expect([await store.get("b"), await foldsOf(store)]).toEqual([0, [2]]);
    expect(await store.seal(MAX_COUNT, "x".repeat(200))).toBe(true);
  });

  test("ids are any strings, and ids that look alike are different songs", async () => {
    const store = await makeStore({});
    for (const id of ODD_IDS) expect(await store.get(id), JSON.stringify(id)).toBe(0);
    for (const [at, id] of ODD_IDS.entries()) expect(await countOf(store.add(id, at + 1))).toBe(at + 1);
    for (const [at, id] of ODD_IDS.entries()) expect(await store.get(id)).toBe(at + 1);
    const entries = ODD_IDS.map((id, at): Entry => [id, at + 1]);
    expect(await listed(store)).toEqual(entries.toSorted(byId));
    expect(await store.top(ODD_IDS.length)).toEqual(entries.toReversed());
  });
}

/** Tests `maxIdBytes`. */
export function testIdLength(makeStore: MakeStore): void {
  test.each(["x", "é", "歌", "😀"])("an id of %p is limited by its bytes of UTF-8", async (character) => {
    const bytes = new TextEncoder().encode(character).length;
    for (const maxIdBytes of [5 * bytes, 6 * bytes - 1, 4096]) {
      const store = await makeStore({ maxIdBytes });
      expect(store.maxIdBytes).toBe(maxIdBytes);
      const longest = character.repeat(Math.floor(maxIdBytes / bytes));
      const longer = longest + character;
      expect(await countOf(store.add(longest, 3))).toBe(3);
      expect(await store.get(longest)).toBe(3);
      for (const refused of [
        () => store.add(longer, 1),
        () => store.add(longer, 0),
        () => store.get(longer),
      ]) {
        expect(await reasonOf(refused)).toBe("too long");
      }
      expect(await listed(store)).toEqual([[longest, 3]]);
    }
  });
}

/** Tests `maxSongs`. */
export function testRoom(makeStore: MakeStore): void {
  test("a store takes maxSongs songs, and a full one still counts those it has", async () => {
    const store = await makeStore({ maxSongs: 100 });
    for (let n = 0; n < 100; n++) expect(await countOf(store.add(`song-${n}`, 1))).toBe(1);
    expect(await reasonOf(() => store.add("one more", 1))).toBe("full");
    expect(await store.get("one more")).toBe(0);
    for (let n = 0; n < 100; n++) expect(await countOf(store.add(`song-${n}`, 1))).toBe(2);
    expect((await listed(store)).length).toBe(100);
  });

  test("maxSongs may be 0", async () => {
    const store = await makeStore({ maxSongs: 0 });
    expect(await reasonOf(() => store.add("a", 1))).toBe("full");
    expect(await listed(store)).toEqual([]);
  });

  test("after a clear, maxSongs new songs are accepted", async () => {
    const store = await makeStore({ maxSongs: 3 });
    for (let round = 0; round < 3; round++) {
      for (const id of ["a", "b", "c"]) expect(await countOf(store.add(id + round, 1))).toBe(1);
      expect(await reasonOf(() => store.add("d", 1))).toBe("full");
      await store.clear();
    }
  });
}

/** Tests what counts against `maxSongs`. */
export function testRoomTaken(makeStore: MakeStore): void {
  test("an addition of 0 or a refused one does not count against maxSongs", async () => {
    const store = await makeStore({ maxSongs: 2 });
    await store.add("a", MAX_COUNT);
    for (let n = 0; n < 10; n++) {
      expect(await reasonOf(() => store.add("a", 1))).toBe("overflow");
      await store.add(`zero-${n}`, 0);
      await store.get(`asked-${n}`);
    }
    expect(await countOf(store.add("b", 1))).toBe(1);
  });

  test("of concurrent new songs exactly maxSongs are accepted", async () => {
    const store = await makeStore({ maxSongs: 10 });
    const reasons = await Promise.all(
      Array.from({ length: 50 }, (_, n) => reasonOf(() => store.add(`song-${n}`, 1))),
    );
    expect(reasons.filter((reason) => reason === undefined)).toHaveLength(10);
    expect(reasons.filter((reason) => reason === "full")).toHaveLength(40);
    expect(await listed(store)).toHaveLength(10);
  });
}

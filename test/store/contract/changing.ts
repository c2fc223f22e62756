import { expect, test } from "bun:test";
import { MAX_COUNT } from "../../../src/mod.ts";
import { countOf, listed, type MakeStore, reasonOf, type Traits } from "./support.ts";

/** Tests `clear`, with a condition and without. */
export function testClear(makeStore: MakeStore, { clearsOnCondition }: Traits): void {
  test("a clear forgets every song, and counts start again at 0", async () => {
    const store = await makeStore({});
    for (let n = 0; n < 200; n++) await store.add(`song-${n}`, 5);
    expect(await store.clear()).toBe(true);
    expect(await listed(store)).toEqual([]);
    expect(await store.top(10)).toEqual([]);
    expect(await store.get("song-1")).toBe(0);
    expect(await countOf(store.add("song-1", 1))).toBe(1);
  });

  if (!clearsOnCondition) {
    test("a clear on a condition is not supported, and clears nothing", async () => {
      const store = await makeStore({});
      await store.add("a", 5);
      expect(await reasonOf(() => store.clear(() => false))).toBe("unsupported");
      expect(await store.get("a")).toBe(5);
    });
    return;
  }

  test("a clear calls unless once, with the version in force, and does nothing if it returns true", async () => {
    const store = await makeStore({});
    await store.add("a", 5);
    for (const isReason of [true, false]) {
      const version = await store.version;
      const asked: string[] = [];
      const unless = (about: string) => asked.push(about) > 0 && isReason;
      expect(await store.clear(unless)).toBe(!isReason);
      expect(asked).toEqual([version]);
      expect((await store.version) === version).toBe(isReason);
      expect(await store.get("a")).toBe(isReason ? 5 : 0);
    }
  });
}

/** Tests `version`. */
export function testVersion(makeStore: MakeStore, { clearsOnCondition }: Traits): void {
  test("the version differs after every change, and never repeats", async () => {
    const store = await makeStore({});
    const versions = [await store.version];
    for (let n = 0; n < 300; n++) {
      if (n % 50 === 49) await store.clear();
      else await store.add(`song-${n % 7}`, 1);
      versions.push(await store.version);
    }
    expect(new Set(versions).size).toBe(301);
    expect(versions.filter((version) => !/^[A-Za-z0-9-]+$/.test(version))).toEqual([]);
  });

  test("the version does not change with anything else", async () => {
    const store = await makeStore({ maxSongs: 2 });
    await store.add("a", MAX_COUNT);
    await store.add("b", 1);
    const version = await store.version;
    await store.get("a");
    await store.get("c");
    await store.add("a", 0);
    await store.add("c", 0);
    await reasonOf(() => store.add("a", 1));
    await reasonOf(() => store.add("c", 1));
    await store.top(10);
    await listed(store);
    if (clearsOnCondition) await store.clear(() => true);
    expect(await store.version).toBe(version);
  });

  test("no two stores share a version", async () => {
    const stores = [await makeStore({}), await makeStore({}), await makeStore({})];
    const versions: string[] = [];
    for (const store of stores) {
      versions.push(await store.version);
      await store.add("a", 1);
      versions.push(await store.version);
    }
    expect(new Set(versions).size).toBe(6);
  });
}

import { expect, test } from "bun:test";
import { type Entry, MAX_COUNT, Refusal, type RefusalReason } from "../../../src/mod.ts";
import { countOf, foldsOf, listed, type MakeStore, reasonOf, refusalOf, sealed } from "./support.ts";

const batch = (...entries: Entry[]) => new Map(entries);

/** Tests `seal`, `fold`, `folds` and `acknowledge`. */
export function testFolds(makeStore: MakeStore): void {
  test("a fold has the plays since the one before, and no count dips when it is sealed", async () => {
    const store = await makeStore({});
    await store.add("a", 5);
    await store.add("b", 1);
    expect(await store.seal(7)).toBe(true);
    expect(await sealed(store, 7)).toEqual([
      ["a", 5],
      ["b", 1],
    ]);
    expect([await store.get("a"), await store.get("b")]).toEqual([5, 1]);
    expect(await store.add("a", 2)).toEqual({ count: 7, fold: 7 });
    expect(await store.seal(9)).toBe(true);
    expect(await sealed(store, 9)).toEqual([["a", 2]]);
    expect(await sealed(store, 7)).toHaveLength(2);
    expect(await foldsOf(store)).toEqual([7, 9]);
    expect(await listed(store)).toEqual([
      ["a", 7],
      ["b", 1],
    ]);
    expect(await store.top(1)).toEqual([["a", 7]]);
  });

  test("sealing a fold again changes nothing, and a fold that is not above the newest is refused", async () => {
    const store = await makeStore({});
    await store.add("a", 1);
    await store.seal(5);
    await store.add("a", 1);
    const version = await store.version;
    expect(await store.seal(5)).toBe(false);
    expect(await reasonOf(() => store.seal(4))).toBe("out of order");
    expect(await store.version).toBe(version);
    expect(await sealed(store, 5)).toEqual([["a", 1]]);
    expect(await foldsOf(store)).toEqual([5]);
  });

  test("counts exclude an acknowledged fold, and the oldest fold has to be acknowledged first", async () => {
    const store = await makeStore({});
    for (const fold of [1, 2, 3]) {
      await store.add("a", 10 ** fold);
      await store.seal(fold);
    }
    await store.add("a", 1);
    expect(await reasonOf(() => store.acknowledge(2))).toBe("out of order");
    expect(await reasonOf(() => store.acknowledge(4))).toBe("unknown fold");
    expect(await store.get("a")).toBe(1111);
    await store.acknowledge(1);
    expect(await store.get("a")).toBe(1101);
    await store.acknowledge(1); // again
    expect(await foldsOf(store)).toEqual([2, 3]);
    await store.acknowledge(2);
    await store.acknowledge(3);
    expect(await store.add("a", 1)).toEqual({ count: 2, fold: 3 });
    expect(await foldsOf(store)).toEqual([]);
    expect(await listed(store)).toEqual([["a", 2]]);
  });

  test("a fold has the label of its seal, which others cannot seal again or acknowledge", async () => {
    const store = await makeStore({});
    const label = `${"x".repeat(198)} ~`;
    const before = Date.now();
    expect(store.newestFold).toBe(0);
    await store.seal(4);
    await store.acknowledge(4);
    expect(await store.seal(5, label)).toBe(true);
    await store.seal(6);
    await store.add("a", 1);
    const version = await store.version;
    expect(await store.seal(5, label)).toBe(false);
    expect(await reasonOf(() => store.seal(5, "other"))).toBe("other label");
    expect(await reasonOf(() => store.seal(5))).toBe("other label");
    expect(await reasonOf(() => store.seal(6, label))).toBe("other label");
    expect(await reasonOf(() => store.seal(4, label))).toBe("other label");
    expect(await reasonOf(() => store.acknowledge(5, "other"))).toBe("other label");
    expect(await reasonOf(() => store.acknowledge(5, ""))).toBe("other label");
    expect(await store.version).toBe(version);
    const folds = await store.folds();
    expect(folds.map(({ fold, label }) => [fold, label])).toEqual([
      [5, label],
      [6, ""],
    ]);
    for (const { sealedAt = 0 } of folds) {
      expect(sealedAt).toBeGreaterThanOrEqual(before - 1000);
      expect(sealedAt).toBeLessThanOrEqual(Date.now() + 1000);
    }
    await store.acknowledge(5, label);
    await store.acknowledge(6); // without a label, any fold
    expect(await foldsOf(store)).toEqual([]);
    expect(store.newestFold).toBe(6);
    await store.clear();
    expect(await store.get("a")).toBe(0);
    expect(store.newestFold).toBe(0);
    expect(await store.seal(5, "other")).toBe(true);
  });

  test("an empty fold can be sealed", async () => {
    const store = await makeStore({});
    expect(await store.seal(1)).toBe(true);
    expect(await sealed(store, 1)).toEqual([]);
    await store.acknowledge(1);
    expect(await foldsOf(store)).toEqual([]);
  });
}

/** Tests `after`, which excludes the folds that a database has. */
export function testAfter(makeStore: MakeStore): void {
  test("after excludes the folds up to a number, and the last acknowledged fold is kept for it", async () => {
    const store = await makeStore({});
    for (const fold of [10, 20, 30]) {
      await store.add("a", fold);
      await store.seal(fold);
    }
    await store.add("a", 1);
    const plays = async () =>
      await Promise.all([0, 9, 10, 20, 25, 30, 99].map((after) => store.get("a", after)));
    expect(await plays()).toEqual([61, 61, 51, 31, 31, 1, 1]);
    await store.acknowledge(10);
    expect(await plays()).toEqual([61, 61, 51, 31, 31, 1, 1]);
    expect(await listed(store, async () => {}, 10)).toEqual([["a", 51]]);
    expect(await store.top(1, 20)).toEqual([["a", 31]]);
    expect(await store.get("a")).toBe(51);
    await store.acknowledge(20); // which drops fold 10
    expect(await reasonOf(() => store.get("a", 9))).toBe("gone");
    expect(await reasonOf(() => listed(store, async () => {}, 9))).toBe("gone");
    expect(await reasonOf(async () => await store.top(1, 9))).toBe("gone");
    expect(await store.get("a", 10)).toBe(51);
    expect(await reasonOf(() => sealed(store, 10))).toBe("gone");
    expect(await sealed(store, 20)).toEqual([["a", 20]]);
    expect(await reasonOf(() => sealed(store, 40))).toBe("unknown fold");
  });
}

/** Tests `maxFolds`, and other limits with folds. */
export function testFoldLimits(makeStore: MakeStore): void {
  test("at most maxFolds folds may be unacknowledged", async () => {
    const store = await makeStore({ maxFolds: 2 });
    await store.seal(1);
    await store.seal(2);
    await store.add("a", 1);
    expect(await reasonOf(() => store.seal(3))).toBe("too many folds");
    expect(await foldsOf(store)).toEqual([1, 2]);
    for (let fold = 3; fold < 30; fold++) {
      await store.acknowledge(fold - 2);
      expect(await store.seal(fold)).toBe(true);
    }
    expect(await foldsOf(store)).toEqual([28, 29]);
  });

  test("a full store still counts a song of a sealed fold", async () => {
    const store = await makeStore({ maxSongs: 2 });
    await store.add("a", 1);
    await store.add("b", 1);
    await store.seal(1);
    expect(await countOf(store.add("a", 1))).toBe(2);
    expect(await reasonOf(() => store.add("c", 1))).toBe("full");
  });

  test("songs that only acknowledged folds have take no room from new ones", async () => {
    const store = await makeStore({ maxSongs: 3 });
    await store.addAll(batch(["a", 1], ["b", 1], ["c", 1]));
    await store.seal(1);
    await store.add("a", 1);
    await store.seal(2);
    await store.addAll(batch(["b", 1]));
    await store.acknowledge(1); // of which only c was not played again
    expect((await store.figures()).songs).toBe(2);
    expect(await countOf(store.add("c", 1))).toBe(1);
    expect(await reasonOf(() => store.add("d", 1))).toBe("full");
    await store.acknowledge(2); // of which a was not played again
    expect((await store.figures()).songs).toBe(2);
    expect(await reasonOf(() => store.addAll(batch(["a", 1], ["d", 1])))).toBe("full");
    expect(await countOf(store.add("d", 1))).toBe(1);
    expect(await reasonOf(() => store.add("a", 1))).toBe("full");
    for (let fold = 3; fold < 9; fold++) {
      await store.seal(fold);
      await store.acknowledge(fold);
      expect((await store.figures()).songs).toBe(0);
      for (const id of ["a", `b${fold}`, `c${fold}`]) expect(await countOf(store.add(id, 1))).toBe(1);
      expect(await reasonOf(() => store.add("d", 1))).toBe("full");
    }
  });

  test("a count that overflows with the kept fold is refused with both numbers", async () => {
    const store = await makeStore({});
    await store.add("a", MAX_COUNT - 1);
    await store.seal(1);
    await store.acknowledge(1);
    expect(await countOf(store.add("a", 1))).toBe(1);
    const refusal = Refusal.overflow(1, 1, MAX_COUNT - 1);
    for (const add of [() => store.add("a", 1), () => store.addAll(batch(["a", 1]))]) {
      expect(await refusalOf(add)).toEqual(refusal);
    }
    expect(await store.get("a", 0)).toBe(MAX_COUNT);
    await store.seal(2);
    await store.acknowledge(2);
    expect(await countOf(store.add("a", MAX_COUNT - 1))).toBe(MAX_COUNT - 1);
  });

  test("a count goes up to 2^53 - 1 over all folds", async () => {
    const store = await makeStore({});
    await store.add("a", MAX_COUNT - 2);
    await store.seal(1);
    expect(await reasonOf(() => store.add("a", 3))).toBe("overflow");
    expect(await countOf(store.add("a", 2))).toBe(MAX_COUNT);
    expect(await reasonOf(() => store.add("a", 1))).toBe("overflow");
  });

  test("a clear forgets the folds, and their numbers may start again", async () => {
    const store = await makeStore({ maxFolds: 3 });
    for (let round = 0; round < 10; round++) {
      for (const fold of [1, 2, 3]) {
        await store.add(`song-${round}`, 1);
        expect(await store.seal(fold)).toBe(true);
      }
      await store.acknowledge(1);
      if (round % 2 === 1) await store.acknowledge(2);
      await store.clear();
      expect(await foldsOf(store)).toEqual([]);
      expect(await listed(store)).toEqual([]);
      expect(await store.get(`song-${round}`, 0)).toBe(0);
      expect(await store.add("a", 0)).toEqual({ count: 0, fold: 0 });
      expect(await reasonOf(() => sealed(store, 2))).toBe("unknown fold");
    }
  });
}

/** Tests `addAll`. */
export function testBatch(makeStore: MakeStore): void {
  test("a batch counts as its songs would one by one, and is answered in its order", async () => {
    const store = await makeStore({});
    await store.add("a", 1);
    await store.seal(3);
    await store.add("b", 2);
    const answer = await store.addAll(batch(["c", 5], ["a", 1], ["d", 0], ["b", 1]));
    const counts = Float64Array.of(5, 2, 0, 3);
    expect(answer).toEqual({ counts, fold: 3 });
    expect(await listed(store)).toEqual([
      ["a", 2],
      ["b", 3],
      ["c", 5],
    ]);
    await store.seal(4);
    expect(await sealed(store, 4)).toEqual([
      ["a", 1],
      ["b", 3],
      ["c", 5],
    ]);
    expect(await store.addAll(batch())).toEqual({ counts: new Float64Array(), fold: 4 });
  });

  test("a batch that is refused for one song changes nothing", async () => {
    const store = await makeStore({ maxSongs: 3, maxIdBytes: 10 });
    await store.addAll(batch(["a", MAX_COUNT - 1], ["b", 1]));
    const version = await store.version;
    const refused: [RefusalReason, Entry[]][] = [
      [
        "overflow",
        [
          ["b", 1],
          ["c", 1],
          ["a", 2],
        ],
      ],
      [
        "full",
        [
          ["b", 1],
          ["c", 1],
          ["d", 1],
        ],
      ],
      [
        "too long",
        [
          ["b", 1],
          ["x".repeat(11), 1],
        ],
      ],
    ];
    for (const [reason, entries] of refused)
      expect(await reasonOf(() => store.addAll(batch(...entries)))).toBe(reason);
    expect(await store.version).toBe(version);
    expect(await listed(store)).toEqual([
      ["a", MAX_COUNT - 1],
      ["b", 1],
    ]);
    expect((await store.addAll(batch(["b", 1], ["c", 1], ["e", 0]))).counts[1]).toBe(1);
    expect(await reasonOf(() => store.add("d", 1))).toBe("full");
  });

  test("a batch of the same plays for known songs only is added or refused like any other", async () => {
    const store = await makeStore({});
    await store.addAll(batch(["a", MAX_COUNT - 2], ["b", 5], ["c", 5]));
    const all = (more: number) => store.addAll(batch(["a", more], ["b", more], ["c", more]));
    expect(await reasonOf(() => all(3))).toBe("overflow");
    const answers = [await all(1), await all(0), await all(1)];
    expect(answers.map(({ counts }) => [...counts])).toEqual([
      [MAX_COUNT - 1, 6, 6],
      [MAX_COUNT - 1, 6, 6],
      [MAX_COUNT, 7, 7],
    ]);
    expect(await reasonOf(() => all(1))).toBe("overflow");
    await store.seal(1);
    expect((await store.addAll(batch(["b", 1], ["c", 1]))).counts).toEqual(Float64Array.of(8, 8));
    expect(await listed(store)).toEqual([
      ["a", MAX_COUNT],
      ["b", 8],
      ["c", 8],
    ]);
  });

  test("concurrent batches are each added whole", async () => {
    const store = await makeStore({});
    const songs = Array.from({ length: 50 }, (_, n): Entry => [`song-${n}`, 1]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => store.addAll(batch(...songs))));
    const counts = answers.map((answer) => new Set(answer.counts));
    expect(counts.every((seen) => seen.size === 1)).toBe(true);
    expect(new Set(counts.flatMap((seen) => [...seen])).size).toBe(20);
  });
}

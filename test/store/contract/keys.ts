import { expect, test } from "bun:test";
import { type Addition, type CountStore, MAX_COUNT, type RequestKey } from "../../../src/mod.ts";
import { rounds } from "../../support/extent.ts";
import { Random } from "../../support/random.ts";
import { countOf, listed, type MakeStore, reasonOf, type Traits } from "./support.ts";

const keyOf = (writer: string, seq: number): RequestKey => ({ writer, seq });

const STEPS = rounds(10_000, 600);

const batch = (...entries: [string, number][]) => new Map(entries);

/** Tests retries with a key. */
export function testKeys(makeStore: MakeStore, { keepsBatchAnswers }: Traits): void {
  test("a retry gets the same answer, and counts nothing", async () => {
    const store = await makeStore({});
    await store.add("a", 5);
    await store.seal(3);
    const first: Addition = { count: 7, fold: 3 };
    expect(await store.add("a", 2, keyOf("w", 1))).toEqual(first);
    await store.add("a", 1);
    await store.seal(4);
    const version = await store.version;
    for (let again = 0; again < 3; again++) expect(await store.add("a", 2, keyOf("w", 1))).toEqual(first);
    expect(await store.get("a")).toBe(8);
    expect(await store.version).toBe(version);
    expect(await store.add("a", 2, keyOf("w", 2))).toEqual({ count: 10, fold: 4 });
  });

  test("a retried batch of any size gets the same answer, and counts nothing", async () => {
    const store = await makeStore({});
    for (const [at, songs] of [0, 1, 2, 1000].entries()) {
      const plays = new Map(Array.from({ length: songs }, (_, n) => [`song-${n}`, n]));
      const answer = await store.addAll(plays, keyOf("w", at));
      expect(answer.counts).toHaveLength(songs);
      await store.addAll(batch(["song-0", 1], ["song-1", 1], ["song-999", 1]));
      const counts = Float64Array.from(await Promise.all([...plays.keys()].map((id) => store.get(id))));
      const wanted = keepsBatchAnswers ? answer : { ...answer, counts };
      expect(await store.addAll(plays, keyOf("w", at))).toEqual(wanted);
    }
    expect(await store.get("song-999")).toBe(4 + 999);
  });

  test("a request with a lower seq than the writer's last one is refused", async () => {
    const store = await makeStore({});
    await store.add("a", 1, keyOf("w", 7));
    expect(await reasonOf(() => store.add("a", 1, keyOf("w", 6)))).toBe("stale key");
    expect(await reasonOf(() => store.addAll(batch(["a", 1]), keyOf("w", 0)))).toBe("stale key");
    expect(await countOf(store.add("a", 1, keyOf("w", MAX_COUNT)))).toBe(2);
    expect(await reasonOf(() => store.add("a", 1, keyOf("w", 8)))).toBe("stale key");
    expect(await countOf(store.add("a", 1, keyOf("other", 0)))).toBe(3);
  });

  test("a different request with the same seq is refused", async () => {
    const store = await makeStore({});
    await store.add("a", 1, keyOf("w", 1));
    for (const other of [
      () => store.add("a", 2, keyOf("w", 1)),
      () => store.add("b", 1, keyOf("w", 1)),
      () => store.addAll(batch(["a", 1]), keyOf("w", 1)),
      () => store.addAll(batch(), keyOf("w", 1)),
    ])
      expect(await reasonOf(other)).toBe("key reused");
    await store.addAll(batch(["a", 1], ["b", 2]), keyOf("w", 2));
    for (const other of [batch(["a", 1]), batch(["a", 1], ["b", 3]), batch(["a", 1], ["b", 2], ["c", 0])])
      expect(await reasonOf(() => store.addAll(other, keyOf("w", 2)))).toBe("key reused");
    expect(await listed(store)).toEqual([
      ["a", 2],
      ["b", 2],
    ]);
  });

  test("a refused request is not kept", async () => {
    const store = await makeStore({ maxSongs: 1, maxIdBytes: 4 });
    await store.add("a", MAX_COUNT - 1);
    expect(await reasonOf(() => store.add("a", 2, keyOf("w", 1)))).toBe("overflow");
    expect(await reasonOf(() => store.add("b", 1, keyOf("w", 1)))).toBe("full");
    expect(await reasonOf(() => store.addAll(batch(["b", 1]), keyOf("w", 1)))).toBe("full");
    expect(await reasonOf(() => store.add("too long", 1, keyOf("w", 1)))).toBe("too long");
    expect(await countOf(store.add("a", 1, keyOf("w", 1)))).toBe(MAX_COUNT);
    expect(await countOf(store.add("a", 1, keyOf("w", 1)))).toBe(MAX_COUNT);
  });

  test("a clear keeps the last requests: a retry after it is not counted again", async () => {
    const store = await makeStore({});
    await store.add("a", 5, keyOf("w", 1));
    await store.addAll(batch(["a", 1], ["b", 1]), keyOf("v", 1));
    await store.clear();
    expect(await countOf(store.add("a", 5, keyOf("w", 1)))).toBe(5);
    const { counts } = await store.addAll(batch(["a", 1], ["b", 1]), keyOf("v", 1));
    expect([...counts]).toEqual(keepsBatchAnswers ? [6, 1] : [0, 0]);
    expect(await listed(store)).toEqual([]);
  });
}

/** Tests `maxWriters`. */
export function testWriters(makeStore: MakeStore): void {
  test("the least recently used writer is evicted, but not before maxWriters others have written", async () => {
    const store = await makeStore({ maxWriters: 3 });
    for (const writer of ["a", "b", "c"]) await store.add("song", 1, keyOf(writer, 5));
    await store.add("song", 1, keyOf("a", 5)); // again, and so b is the one that is silent for longest
    await store.add("song", 1, keyOf("d", 5));
    expect(await store.get("song")).toBe(4);
    for (const writer of ["a", "c", "d"]) await store.add("song", 1, keyOf(writer, 5));
    expect(await store.get("song")).toBe(4);
    await store.add("song", 1, keyOf("b", 5));
    expect(await store.get("song")).toBe(5);
  });

  test("a refused request evicts no writer", async () => {
    const store = await makeStore({ maxWriters: 1, maxSongs: 1 });
    await store.add("a", 1, keyOf("w", 1));
    for (let n = 0; n < 5; n++)
      expect(await reasonOf(() => store.add("b", 1, keyOf(`other-${n}`, 1)))).toBe("full");
    expect(await countOf(store.add("a", 1, keyOf("w", 1)))).toBe(1);
  });

  test("writers with names of any length are distinguished", async () => {
    const store = await makeStore({});
    const names = ["-", "--", "A", "a", "a.", "x".repeat(63), "x".repeat(64), `${"x".repeat(63)}y`];
    for (const [at, name] of names.entries())
      expect(await countOf(store.add("a", 1, keyOf(name, 1)))).toBe(at + 1);
    for (const [at, name] of names.entries())
      expect(await countOf(store.add("a", 1, keyOf(name, 1)))).toBe(at + 1);
  });

  test("random requests and retries of more writers than are kept have the expected answers", async () => {
    const random = new Random("writers");
    const maxWriters = 20;
    const store = await makeStore({ maxWriters });
    const last = new Map<string, { seq: number; id: string; answer: Addition }>();
    const counts = new Map<string, number>();
    let repeated = 0;
    for (let step = 0; step < STEPS; step++) {
      const writer = `writer-${random.below(40)}`;
      const known = last.get(writer);
      const isAgain = known !== undefined && random.chance(0.5);
      const [id, seq] = isAgain ? [known.id, known.seq] : [`song-${random.below(9)}`, step];
      const answer = await store.add(id, 1, keyOf(writer, seq));
      if (isAgain) expect(answer).toEqual(known.answer);
      else counts.set(id, (counts.get(id) ?? 0) + 1);
      expect(answer.count).toBe(isAgain ? known.answer.count : (counts.get(id) ?? 0));
      repeated += Number(isAgain);
      last.delete(writer);
      last.set(writer, { seq, id, answer });
      if (last.size > maxWriters) last.delete([...last.keys()][0] as string);
    }
    expect(repeated).toBeGreaterThan(STEPS / 10);
    await expectCounts(store, counts);
  });
}

async function expectCounts(store: CountStore, counts: ReadonlyMap<string, number>): Promise<void> {
  expect(await listed(store)).toEqual([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

import { describe, expect, test } from "bun:test";
import { runAtOnce } from "../../../src/async/turns.ts";
import { type HashKey, randomKey } from "../../../src/hash.ts";
import { SETTINGS } from "../../../src/settings/settings.ts";
import { type Entry, MAX_COUNT } from "../../../src/store/count-store.ts";
import { appendSongs } from "../../../src/store/memory/appended-songs.ts";
import { CommitStore } from "../../../src/store/memory/commit-store.ts";
import { Shards } from "../../../src/store/memory/shards.ts";
import { pack } from "../../../src/store/packed-plays.ts";
import { Refusal } from "../../../src/store/refusal.ts";

/** Makes a store for 3 songs, and a function that stages a batch. */
function makeStore(): { store: CommitStore; stage: (batch: Record<string, number>) => number[] } {
  const store = new CommitStore({ maxSongs: 3 });
  const stage = (batch: Record<string, number>) => {
    const songs = store.unpack(runAtOnce(pack(new Map(Object.entries(batch)), store)));
    return [...runAtOnce(store.stage(songs, undefined)).addition.counts];
  };
  return { store, stage };
}

/** Returns all songs and counts of a store. */
function read(store: CommitStore): Entry[] {
  return Array.from(store.entries(), (chunk) => [...chunk]).flat();
}

describe("A store for commits", () => {
  test("shows staged plays to no reader before they are applied, but counts them in later additions", () => {
    const { store, stage } = makeStore();
    store.add("a", 1);
    expect(stage({ a: 2, b: 3, c: 0 })).toEqual([3, 3, 0]);
    expect(stage({ b: 1 })).toEqual([4]);
    expect([store.get("a"), store.get("b"), read(store)]).toEqual([1, 0, [["a", 1]]]);
    expect(new Map(store.stagedEntries())).toEqual(new Map(Object.entries({ a: 2, b: 4 })));
    store.applyStaged();
    expect([store.get("a"), store.get("b"), store.figures().songs, store.stagedSongs]).toEqual([3, 4, 2, 0]);
  });

  test("stages nothing of a batch that is refused", () => {
    const { store, stage } = makeStore();
    stage({ a: 1 });
    expect(() => stage({ b: 1, a: MAX_COUNT })).toThrow(Refusal.overflow(1, MAX_COUNT));
    expect(() => stage({ b: 1, c: 1, d: 1 })).toThrow(Refusal.full(3));
    expect(store.stagedEntries()).toEqual([["a", 1]]);
    expect(stage({ b: 1, c: 1 })).toEqual([1, 1]);
  });

  test("stages and applies other plays while a large batch is prepared", () => {
    const store = new CommitStore({});
    const columns = (plays: Map<string, number>) => store.unpack(runAtOnce(pack(plays, store)));
    const add = (id: string, plays: number) =>
      runAtOnce(store.stage(columns(new Map([[id, plays]])), undefined));
    const large = new Map(Array.from({ length: 10_000 }, (_, n) => [`song-${n}`, 1]));
    const key = { key: { writer: "w", seq: 1 }, fingerprint: 5 };
    const staging = store.stage(columns(large), key);
    let pauses = 0;
    for (;;) {
      const { done, value } = staging.next();
      if (done) {
        const { counts } = value.addition;
        expect([counts[0], counts[1], counts[9999]]).toEqual([pauses + 1, 1, pauses + 1]);
        add("song-0", 2); // in the same commit
        break;
      }
      pauses++;
      for (const id of ["song-0", "song-9999"]) add(id, 1);
      if (pauses % 2 === 0) store.applyStaged();
    }
    expect(pauses).toBeGreaterThan(5);
    expect(new Map(store.stagedEntries()).get("song-5")).toBe(1);
    store.applyStaged();
    expect([store.get("song-0"), store.get("song-5"), store.figures().songs]).toEqual([
      pauses + 3,
      1,
      10_000,
    ]);
    expect(runAtOnce(store.stage(columns(large), key)).isStaged).toBe(false);
  });

  test("has the places of new songs back when what is staged is discarded", () => {
    const { store, stage } = makeStore();
    stage({ a: 1, b: 1, c: 1 });
    expect(store.figures().songs).toBe(3);
    store.discardStaged();
    expect([store.figures().songs, store.stagedSongs]).toEqual([0, 0]);
    expect(stage({ d: 1, e: 1, f: 1 })).toEqual([1, 1, 1]);
    store.applyStaged();
    expect([store.figures().songs, store.get("a"), store.get("f")]).toEqual([3, 0, 1]);
  });

  test("keeps nothing of new songs whose commits fail, and everything of others", () => {
    const store = new CommitStore({});
    const stage = (songs: Iterable<Entry>) =>
      store.stage(store.unpack(runAtOnce(pack(new Map(songs), store))), undefined);
    const songs = (round: number, count: number) =>
      Array.from({ length: count }, (_, n): Entry => [`${round}-${n}`.repeat(1 + (n % 9)), 1]);
    const expected = new Map<string, number>();
    const bytes: number[] = [];
    for (let round = 0; round < 60; round++) {
      const large = stage(songs(-round, 5000));
      large.next(); // its first entries are made
      runAtOnce(stage(songs(round, 1000)));
      store.discardStaged();
      bytes.push(store.figures().bytes as number);
      const kept = [...songs(0, 1 + (round % 50)), ...songs(round, 1 + (round % 3))];
      runAtOnce(stage(kept));
      store.applyStaged();
      for (const [id] of new Map(kept)) expected.set(id, (expected.get(id) ?? 0) + 1);
    }
    expect(bytes.at(-1)).toBeLessThan(1.5 * (bytes[0] as number));
    expect(new Map(read(store))).toEqual(expected);
    for (const [id, count] of expected) expect(store.get(id)).toBe(count);
    expect(store.figures().songs).toBe(expected.size);
  });

  test("looks no song up while it applies staged plays, as readers wait for the locks", () => {
    class Watched extends CommitStore {
      forbidSums(): void {
        this.shards.sum = () => {
          throw new Error("a song is looked up in folds");
        };
      }
    }
    const store = new Watched({});
    for (const fold of [1, 2, 3]) {
      for (const id of ["a", "b", `only ${fold}`]) store.add(id, fold);
      store.seal(fold);
    }
    runAtOnce(
      store.stage(
        store.unpack(
          runAtOnce(
            pack(
              new Map([
                ["a", 1],
                ["only 1", 1],
                ["new", 1],
              ]),
              store,
            ),
          ),
        ),
        undefined,
      ),
    );
    const { sum } = store["shards"];
    store.forbidSums();
    store.applyStaged();
    store["shards"].sum = sum;
    expect([store.get("a"), store.get("only 1"), store.figures().songs]).toEqual([7, 2, 6]);
    for (const fold of [1, 2, 3]) store.acknowledge(fold);
    expect(store.figures().songs).toBe(3);
  });

  test.each(["one by one", "in a batch"])(
    "counts a song once that is added %s while its last fold is freed",
    (how) => {
      const { store, stage } = makeStore();
      const add = () => {
        if (how === "one by one") return void store.add("a", 1);
        stage({ a: 1 });
        store.applyStaged();
      };
      for (let fold = 1; fold <= 5; fold++) {
        add();
        expect(store.figures().songs).toBe(1);
        for (const number of [2 * fold, 2 * fold + 1]) {
          store.seal(number);
          store.acknowledge(number);
        }
        expect(store.figures().songs).toBe(0);
        if (fold % 2 === 0) while (store.hasToFree) store.free();
      }
      while (store.hasToFree) store.free();
      expect([store.figures().songs, store.get("a")]).toEqual([0, 0]);
    },
  );
});

describe("Songs that are appended and indexed", () => {
  const plays = (first: number, end: number, each: number) =>
    new Map(Array.from({ length: end - first }, (_, n) => [`song ${first + n}`, each]));
  const append = (songs: Map<string, number>, store: CommitStore) =>
    appendSongs(new Shards(store.handle, 1), runAtOnce(pack(songs, store)));

  test("count as if they were added, with folds before them", () => {
    const key = randomKey();
    const [added, appended] = [new CommitStore({}, key), new CommitStore({}, key)];
    const sets = [plays(0, 300, 1), plays(200, 900, 2), plays(0, 0, 1), plays(100, 800, 3)];
    for (const [set, songs] of sets.entries()) {
      for (const [id, more] of songs) added.add(id, more);
      for (const part of [new Map([...songs].slice(0, 100)), new Map([...songs].slice(100))])
        append(part, appended);
      appended.index();
      for (const store of [added, appended]) {
        for (const id of ["song 150", "one"]) store.add(id, 1);
        store.seal(set + 1, "", 5);
        if (set < 2) store.acknowledge(set + 1, "", 6);
      }
      expect(appended.figures().songs).toBe(added.figures().songs);
      expect(Bun.deepEquals(new Map(read(appended)), new Map(read(added)))).toBe(true);
    }
    for (const store of [added, appended])
      for (let fold = 3; fold <= sets.length; fold++) store.acknowledge(fold);
    expect([appended.figures().songs, added.figures().songs]).toEqual([0, 0]);
  });

  test("are refused beyond the limits of songs, counts and memory", () => {
    const small = new CommitStore({ maxSongs: 3 });
    append(plays(0, 3, 1), small);
    small.index();
    small.seal(1);
    append(plays(0, 3, 1), small);
    small.index();
    small.seal(2);
    append(plays(0, 4, 1), small);
    expect(() => small.index()).toThrow(Refusal.full(3));
    const high = new CommitStore({});
    high.add("song 0", MAX_COUNT);
    high.seal(1);
    append(plays(0, 1, 1), high);
    expect(() => high.index()).toThrow(Refusal.overflow(MAX_COUNT, 1, 0));
    const tight = new CommitStore({ maxStoreBytes: SETTINGS.maxStoreBytes.min, maxSongs: 10_000_000 });
    const fill = () => {
      for (let first = 0; ; first += 50_000) append(plays(first, first + 50_000, 1), tight);
    };
    expect(fill).toThrow(Refusal.noMemory());
  });
});

describe("A fold", () => {
  /** Returns the ids of a fold. Its songs were played from the first to the last, or in reverse. */
  function idsOf(key: HashKey, isReversed: boolean, maxSongs = 200_000): string[] {
    const store = new CommitStore({ maxSongs }, key);
    const ids = Array.from({ length: 150_000 }, (_, n) => `song ${n}`);
    for (const id of isReversed ? ids.toReversed() : ids) store.add(id, 1);
    store.seal(1);
    return Array.from(store.fold(1), (chunk) => [...chunk].map(([id]) => id)).flat();
  }

  test("has the same order in every store with one key, whatever the order of plays and the limits", () => {
    const key = randomKey();
    const ids = idsOf(key, false);
    expect(new Set(ids).size).toBe(150_000);
    expect(Bun.deepEquals(idsOf(key, true), ids)).toBe(true);
    expect(Bun.deepEquals(idsOf(key, true, 10_000_000), ids)).toBe(true);
    expect(Bun.deepEquals(idsOf(randomKey(), false), ids)).toBe(false);
  });
});

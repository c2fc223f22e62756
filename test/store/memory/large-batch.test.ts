import { describe, expect, test } from "bun:test";
import { runAtOnce, runInTurns } from "../../../src/async/turns.ts";
import {
  type BatchAddition,
  type Entry,
  MAX_COUNT,
  Refusal,
  ShardedStore,
  type ShardedStoreOptions,
} from "../../../src/mod.ts";

const SIZE = 10_000;

/** Returns a batch that is added in slices. */
function large(plays = 1, prefix = "song"): Map<string, number> {
  return new Map(Array.from({ length: SIZE }, (_, n) => [`${prefix}-${n}`, plays]));
}

function list(store: ShardedStore): Map<string, number> {
  return new Map(Array.from(store.entries(), (chunk): Entry[] => [...chunk]).flat());
}

function foldOf(store: ShardedStore, fold: number): Map<string, number> {
  return new Map(Array.from(store.fold(fold), (chunk): Entry[] => [...chunk]).flat());
}

/**
 * Adds a batch, and calls `between` at each pause, with its number. Other work of the thread, and that of
 * other threads, can come at these moments.
 */
class PausedStore extends ShardedStore {
  pauses = 0;

  constructor(options: ShardedStoreOptions = {}) {
    super({ ...options, threads: 1 }); // with locks
  }

  addWith(plays: ReadonlyMap<string, number>, between: (pause: number) => void, seq?: number): BatchAddition {
    const key = seq === undefined ? undefined : { writer: "w", seq };
    const task = this.batches.add(plays, key);
    this.pauses = 0;
    for (;;) {
      const { done, value } = task.next();
      if (done) return value;
      between(this.pauses++);
    }
  }
}

/** Calls `act` with each pause of a batch, in a store of its own. */
function atEachPause(act: (pause: number) => void): void {
  const store = new PausedStore();
  store.addWith(large(), () => {});
  expect(store.pauses).toBeGreaterThan(10);
  for (let pause = 0; pause < store.pauses; pause++) act(pause);
}

describe("A large batch", () => {
  test("lets other work run, and a small one is answered at once", async () => {
    const store = new ShardedStore();
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    const added = store.addAll(large());
    expect(added).toBeInstanceOf(Promise);
    expect((await added).counts).toEqual(new Float64Array(SIZE).fill(1));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(5);
    expect(store.addAll(new Map([...large()].slice(0, 1000)))).not.toBeInstanceOf(Promise);
  });

  test("is one of fewer songs if there are many folds to look into", () => {
    const store = new PausedStore();
    const songs = new Map([...large()].slice(0, 1000));
    const pauses = () => {
      store.addWith(songs, () => {});
      return store.pauses;
    };
    expect(pauses()).toBe(0);
    for (let fold = 1; fold <= 16; fold++) store.seal(fold);
    expect(pauses()).toBeWithin(2, 6);
    expect(store.get("song-7")).toBe(2);
  });

  test("is not seen before all of it is counted", () => {
    const store = new PausedStore();
    store.add("song-0", 5);
    const seen = new Set<number>();
    store.addWith(large(), () => seen.add([...list(store).values()].reduce((sum, count) => sum + count, 0)));
    expect([...seen]).toEqual([5]);
    expect(list(store).get("song-0")).toBe(6);
    expect(store.figures().songs).toBe(SIZE);
  });

  test("is in one fold, whenever that is sealed", () => {
    atEachPause((at) => {
      const store = new PausedStore();
      const { fold } = store.addWith(large(), (pause) => pause === at && store.seal(7));
      expect([fold, foldOf(store, 7).size, list(store).size, store.figures().songs]).toEqual([
        7,
        0,
        SIZE,
        SIZE,
      ]);
    });
  });

  test("is counted after a clear, or an acknowledgement, that comes while it is prepared", () => {
    atEachPause((at) => {
      const store = new PausedStore();
      store.add("song-1", 3);
      store.seal(1);
      const { counts } = store.addWith(large(), (pause) => pause === at && store.acknowledge(1));
      expect([counts[1], store.get("song-1"), store.figures().songs]).toEqual([1, 1, SIZE]);
      store.addWith(large(), (pause) => pause === at && store.clear());
      expect([store.get("song-1"), list(store).size, store.figures().songs]).toEqual([1, SIZE, SIZE]);
    });
  });

  test.each([undefined, 1])("is counted beside clears that never cease, with key %p", (seq) => {
    const store = new PausedStore();
    store.addWith(large(), () => store.clear(), seq);
    expect([list(store).size, store.get("song-1"), store.figures().songs]).toEqual([SIZE, 1, SIZE]);
  });

  test("adds to the plays that come while it is prepared", () => {
    atEachPause((at) => {
      const store = new PausedStore();
      const { counts } = store.addWith(large(2), (pause) => {
        if (pause === at) for (const id of ["song-0", "song-5000", "song-9999"]) store.add(id, 1);
      });
      expect([counts[0], counts[1], counts[5000], counts[9999]]).toEqual([3, 2, 3, 3]);
      expect([store.get("song-9999"), store.figures().songs]).toEqual([3, SIZE]);
    });
  });

  test("is refused as a whole if a count or the last room is taken while it is prepared", () => {
    atEachPause((at) => {
      const store = new PausedStore({ maxSongs: SIZE });
      const last = (id: string, plays: number) => (pause: number) => pause === at && store.add(id, plays);
      expect(() => store.addWith(large(), last("song-9999", MAX_COUNT))).toThrow(
        Refusal.overflow(MAX_COUNT, 1),
      );
      expect([...list(store)]).toEqual([["song-9999", MAX_COUNT]]);
      store.clear();
      expect(() => store.addWith(large(), last("other", 1))).toThrow(Refusal.full(SIZE));
      expect([[...list(store)], store.figures().songs]).toEqual([[["other", 1]], 1]);
      store.clear();
      store.addWith(large(), () => {});
      expect(store.figures().songs).toBe(SIZE);
    });
  });

  test("is counted though all its songs are added while it is prepared, and no other has room", () => {
    atEachPause((at) => {
      const store = new PausedStore({ maxSongs: SIZE });
      store.addWith(large(), (pause) => {
        if (pause === at) runAtOnce(store["batches"].add(large()));
      });
      expect([store.get("song-0"), store.get("song-9999"), store.figures().songs]).toEqual([2, 2, SIZE]);
    });
  });

  test("is counted once if the same request comes while it is prepared", () => {
    const store = new PausedStore();
    const again = () => runAtOnce(store["batches"].add(large(), { writer: "w", seq: 1 }));
    const { counts } = store.addWith(large(), (pause) => pause === 3 && again(), 1);
    expect([counts[0], store.get("song-0"), store.figures().songs]).toEqual([1, 1, SIZE]);
    const other = () => store.addWith(large(2), () => {}, 1);
    expect(other).toThrow(Refusal.keyReused(1));
  });

  test("can be added beside another one", async () => {
    const store = new PausedStore();
    const batches = Array.from({ length: 3 }, () => runInTurns(store["batches"].add(large())));
    const added = await Promise.all(batches);
    expect(added.map(({ counts }) => counts[7]).sort()).toEqual([1, 2, 3]);
    expect([store.get("song-7"), store.figures().songs]).toEqual([3, SIZE]);
  });
});

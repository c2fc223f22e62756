import { describe, expect, test } from "bun:test";
import { UnknownOutcome } from "../../../src/store/refusal.ts";
import { AdditionRing } from "../../../src/store/durable/threads/addition-ring.ts";
import { RingQueue } from "../../../src/store/durable/threads/ring-queue.ts";
import { Signals } from "../../../src/store/durable/threads/signals.ts";

const SLOTS = 1024;

/**
 * Makes a ring: `queue` is the serving thread's side, `committer` the commit thread's; `retried` collects
 * ids.
 */
function bothSides(): { queue: RingQueue; committer: AdditionRing; retried: string[] } {
  const ring = new AdditionRing();
  const retried: string[] = [];
  const retry = (id: string, plays: number) => {
    retried.push(id);
    return Promise.resolve({ count: plays, fold: 9 });
  };
  return {
    queue: new RingQueue(ring, new Signals(), retry),
    committer: new AdditionRing(ring.buffer),
    retried,
  };
}

describe("The ring", () => {
  test("carries ids of all kinds, and returns results in order", async () => {
    const { queue, committer } = bothSides();
    const ids = ["a", "", "é".repeat(20), "🎵", "x".repeat(106), 'q"=,'];
    const results = ids.map((id, at) => queue.add(id, at + 1) as Promise<unknown>);
    const taken: unknown[] = [];
    expect(committer.take((id, plays) => (taken.push([id, plays]), plays * 10), 7)).toBe(ids.length);
    committer.finish("durable");
    expect(taken).toEqual(ids.map((id, at) => [id, at + 1]));
    expect(await Promise.all(results)).toEqual(ids.map((_, at) => ({ count: (at + 1) * 10, fold: 7 })));
  });

  test("has parts that do not overlap: full of the longest ids and largest numbers, it loses none", async () => {
    const { queue, committer } = bothSides();
    const entries = Array.from({ length: SLOTS }, (_, n) => {
      return [String(n).padEnd(106, "x"), Number.MAX_SAFE_INTEGER - n] as const;
    });
    const results = entries.map(([id, plays]) => queue.add(id, plays) as Promise<unknown>);
    const taken: unknown[] = [];
    const newestFold = Number.MAX_SAFE_INTEGER;
    committer.take((id, plays) => (taken.push([id, plays]), plays - SLOTS), newestFold);
    committer.finish("durable");
    expect(taken).toEqual(entries);
    expect(await Promise.all(results)).toEqual(
      entries.map(([, plays]) => ({ count: plays - SLOTS, fold: newestFold })),
    );
  });

  test("has no place for longer ids or for more additions than slots, until results are read", async () => {
    const { queue, committer } = bothSides();
    expect(queue.add("x".repeat(107), 1)).toBeUndefined();
    expect(queue.add("é".repeat(60), 1)).toBeUndefined();
    for (let round = 0; round < 3; round++) {
      const results: Promise<unknown>[] = [];
      for (let sent = queue.add("a", 1); sent !== undefined; sent = queue.add("a", 1)) results.push(sent);
      expect(results.length).toBe(SLOTS);
      committer.take(() => 1, 0);
      committer.finish("durable");
      await Promise.all(results);
    }
  });

  test("retries refused additions, but not those with an unknown outcome", async () => {
    const { queue, committer, retried } = bothSides();
    const [refused, known] = [queue.add("refused", 3), queue.add("known", 1)];
    committer.take((id) => (id === "refused" ? undefined : 5), 0);
    committer.finish("durable");
    expect(await Promise.all([refused, known])).toEqual([
      { count: 3, fold: 9 },
      { count: 5, fold: 0 },
    ]);
    const both = Promise.allSettled([queue.add("refused", 3), queue.add("lost", 1)]);
    committer.take((id) => (id === "refused" ? undefined : 5), 0);
    committer.finish("unknown");
    expect(await both).toMatchObject([
      { value: { count: 3, fold: 9 } },
      { reason: expect.any(UnknownOutcome) as unknown },
    ]);
    expect(retried).toEqual(["refused", "refused"]);
  });

  test("returns results written before the commit thread ended; other outcomes are unknown", async () => {
    const { queue, committer } = bothSides();
    const finished = queue.add("finished", 1);
    committer.take(() => 4, 0);
    committer.finish("durable");
    const both = Promise.allSettled([finished, queue.add("lost", 1)]);
    queue.abandon();
    expect(await both).toMatchObject([
      { value: { count: 4, fold: 0 } },
      { reason: expect.any(UnknownOutcome) as unknown },
    ]);
    committer.take(() => 1, 0);
    committer.finish("durable");
    await Bun.sleep(5); // an unhandled rejection would fail the test
    expect(queue.length).toBe(0);
  });
});

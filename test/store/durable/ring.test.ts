import { describe, expect, test } from "bun:test";
import { PackedId } from "../../../src/store/packed-id.ts";
import { Refusal, UnknownOutcome } from "../../../src/store/refusal.ts";
import { AdditionRing } from "../../../src/store/durable/threads/addition-ring.ts";
import { errorOfFailure } from "../../../src/store/durable/threads/reply-errors.ts";
import { RingQueue } from "../../../src/store/durable/threads/ring-queue.ts";
import { Signals } from "../../../src/store/durable/threads/signals.ts";

const SLOTS = 1024;

/** Bytes of the longest id that fits into a slot. */
const LONGEST = 150;

/** Makes a ring: `queue` is the serving thread's side, `committer` the commit thread's. */
function bothSides(): { queue: RingQueue; committer: AdditionRing } {
  const ring = new AdditionRing();
  return { queue: new RingQueue(ring, new Signals()), committer: new AdditionRing(ring.buffer) };
}

const packed = new PackedId([0, 0]);

/** Takes additions of which `countOf` returns the new counts, all staged after the same fold. */
function take(
  ring: AdditionRing,
  countOf: (id: string, plays: number, keyed: unknown) => number | undefined,
  fold: number = 0,
): number {
  return ring.take((words, at, plays, keyed) => {
    packed.load(words, at, 0);
    const count = countOf(packed.text, plays, keyed);
    if (count === undefined) return undefined;
    return { addition: { counts: Float64Array.of(count), fold }, isStaged: true };
  });
}

/** Returns the first word of a packed id. */
function packedStart(id: string): number | undefined {
  packed.pack(id, LONGEST);
  return packed.words[0];
}

describe("The ring", () => {
  test("carries ids of all kinds, and returns results in order", async () => {
    const { queue, committer } = bothSides();
    const ids = ["a", "", "é".repeat(20), "🎵", "x".repeat(LONGEST), 'q"=,'];
    const results = ids.map((id, at) => queue.add(id, at + 1) as Promise<unknown>);
    const taken: unknown[] = [];
    expect(take(committer, (id, plays) => (taken.push([id, plays]), plays * 10), 7)).toBe(ids.length);
    committer.finish();
    expect(taken).toEqual(ids.map((id, at) => [id, at + 1]));
    expect(await Promise.all(results)).toEqual(ids.map((_, at) => ({ count: (at + 1) * 10, fold: 7 })));
  });

  test("has parts that do not overlap: full of the longest ids and writers, it loses none", async () => {
    const { queue, committer } = bothSides();
    const entries = Array.from({ length: SLOTS }, (_, n) => {
      const key = { writer: String(n).padEnd(65, "y"), seq: Number.MAX_SAFE_INTEGER - n };
      const keyed = { key, fingerprint: n };
      return [String(n).padEnd(LONGEST, "x"), Number.MAX_SAFE_INTEGER - n, keyed] as const;
    });
    const results = entries.map((entry) => queue.add(...entry) as Promise<unknown>);
    const taken: unknown[] = [];
    const newestFold = Number.MAX_SAFE_INTEGER;
    take(committer, (id, plays, keyed) => (taken.push([id, plays, keyed]), plays - SLOTS), newestFold);
    committer.finish();
    expect(taken).toEqual(entries);
    expect(await Promise.all(results)).toEqual(
      entries.map(([, plays]) => ({ count: plays - SLOTS, fold: newestFold })),
    );
  });

  test("has no place for longer ids or for more additions than slots, until results are read", async () => {
    const { queue, committer } = bothSides();
    expect(queue.add("x".repeat(LONGEST + 1), 1)).toBeUndefined();
    expect(queue.add("é".repeat(LONGEST / 2 + 1), 1)).toBeUndefined();
    for (let round = 0; round < 3; round++) {
      const results: Promise<unknown>[] = [];
      for (let sent = queue.add("a", 1); sent !== undefined; sent = queue.add("a", 1)) results.push(sent);
      expect(results.length).toBe(SLOTS);
      take(committer, () => 1);
      committer.finish();
      await Promise.all(results);
    }
  });

  test("returns the reason of a refusal, and a failed commit to all that were not refused", async () => {
    const { queue, committer } = bothSides();
    const count = Number.MAX_SAFE_INTEGER;
    const refusals = [
      Refusal.overflow(count, count),
      Refusal.full(count),
      Refusal.noMemory(),
      Refusal.tooLong(4096),
      Refusal.staleKey(count, count),
    ];
    for (const failure of [undefined, "full", "failed", "unknown"] as const) {
      const results = [...refusals.map(({ name }) => queue.add(name, 1)), queue.add("other", 1)];
      let taken = 0;
      take(committer, () => {
        const refusal = refusals[taken++];
        if (refusal !== undefined) throw refusal;
        return 5;
      });
      committer.finish(failure);
      const settled = await Promise.allSettled(results);
      const last = settled.pop();
      expect(settled).toEqual(refusals.map((reason) => ({ status: "rejected" as const, reason })));
      if (failure === undefined) expect(last).toMatchObject({ value: { count: 5, fold: 0 } });
      else expect(last).toMatchObject({ reason: errorOfFailure(failure) });
    }
  });

  test("returns every refusal, of the longest numbers and of a text that is too long for its slot", async () => {
    const { queue, committer } = bothSides();
    const most = Number.MAX_SAFE_INTEGER;
    const ofAdditions = [
      Refusal.overflow(most, most, most),
      Refusal.full(most),
      Refusal.noMemory(),
      Refusal.tooLong(4096),
      Refusal.staleKey(most, most),
      Refusal.keyReused(most),
    ];
    const others = [
      Refusal.tooLong(4096, "\0".repeat(4096)),
      Refusal.otherLabel(most, '"'.repeat(200)),
      Refusal.unsupported(),
      Refusal.unknownFold(most),
      Refusal.dropped(most),
      Refusal.belowNewest(most, most),
      Refusal.olderFirst(most, most),
      Refusal.tooManyFolds(most),
      Refusal.unavailable("🎵".repeat(1000)),
    ];
    const refusals = [...ofAdditions, ...others];
    const results = refusals.map(() => queue.add("x".repeat(LONGEST), most));
    const left = [...refusals];
    take(committer, () => {
      throw left.shift() as Refusal;
    });
    committer.finish();
    const settled = await Promise.allSettled(results);
    expect(settled.slice(0, ofAdditions.length)).toEqual(
      ofAdditions.map((reason) => ({ status: "rejected" as const, reason })),
    );
    for (const [at, { reason, members, message }] of refusals.entries()) {
      const refused = (settled[at] as PromiseRejectedResult).reason as Refusal;
      expect(refused).toMatchObject({ reason, members });
      expect(message).toStartWith(refused.message);
      expect(refused.message.length).toBeGreaterThanOrEqual(Math.min(40, message.length));
    }
  });

  test("leaves an addition and all after it for the next commit, and no failure changes what was recalled", async () => {
    const { queue, committer } = bothSides();
    const results = ["a", "later", "b"].map((id) => queue.add(id, 1));
    const recall = { addition: { counts: Float64Array.of(3), fold: 2 }, isStaged: false };
    expect(committer.take((words, at) => (words[at] === packedStart("later") ? undefined : recall))).toBe(1);
    committer.finish("full");
    expect(await results[0]).toEqual({ count: 3, fold: 2 });
    expect(take(committer, () => 1)).toBe(2);
    committer.finish();
    expect(await Promise.all(results.slice(1))).toEqual([1, 1].map((count) => ({ count, fold: 0 })));
  });

  test("returns results written before the commit thread ended; other outcomes are unknown", async () => {
    const { queue, committer } = bothSides();
    const finished = queue.add("finished", 1);
    take(committer, () => 4);
    committer.finish();
    const both = Promise.allSettled([finished, queue.add("lost", 1)]);
    queue.abandon();
    expect(await both).toMatchObject([
      { value: { count: 4, fold: 0 } },
      { reason: expect.any(UnknownOutcome) as unknown },
    ]);
    take(committer, () => 1);
    committer.finish();
    await Bun.sleep(5); // an unhandled rejection would fail the test
    expect(queue.length).toBe(0);
  });
});

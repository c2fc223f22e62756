import { describe, expect, test } from "bun:test";
import { AdditionRing } from "../../../src/store/durable/threads/addition-ring.ts";
import { RingQueue } from "../../../src/store/durable/threads/ring-queue.ts";
import { Signals } from "../../../src/store/durable/threads/signals.ts";
import { UnknownOutcome } from "../../../src/store/refusal.ts";

/** A ring as both threads see it. */
function bothSides(): { queue: RingQueue; writer: AdditionRing; again: string[] } {
  const ring = new AdditionRing();
  const again: string[] = [];
  const askAgain = (id: string, plays: number) => {
    again.push(id);
    return Promise.resolve({ count: plays, fold: 9 });
  };
  return {
    queue: new RingQueue(ring, new Signals(), askAgain),
    writer: new AdditionRing(ring.buffer),
    again,
  };
}

describe("The ring", () => {
  test("carries ids of any kind there, and what became of them back, in their order", async () => {
    const { queue, writer } = bothSides();
    const ids = ["a", "", "é".repeat(20), "🎵", "x".repeat(106), 'q"=,'];
    const answers = ids.map((id, at) => queue.ask(id, at + 1) as Promise<unknown>);
    const taken: unknown[] = [];
    expect(writer.take((id, plays) => (taken.push([id, plays]), plays * 10), 7)).toBe(ids.length);
    writer.finish("durable");
    expect(taken).toEqual(ids.map((id, at) => [id, at + 1]));
    expect(await Promise.all(answers)).toEqual(ids.map((_, at) => ({ count: (at + 1) * 10, fold: 7 })));
  });

  test("has no place for an id that is too long, nor for more than fit in, and has again when they are read", async () => {
    const { queue, writer } = bothSides();
    expect(queue.ask("x".repeat(107), 1)).toBeUndefined();
    expect(queue.ask("é".repeat(60), 1)).toBeUndefined();
    for (let round = 0; round < 3; round++) {
      const answers: Promise<unknown>[] = [];
      for (let asked = queue.ask("a", 1); asked !== undefined; asked = queue.ask("a", 1)) answers.push(asked);
      expect(answers.length).toBe(1024);
      writer.take(() => 1, 0);
      writer.finish("durable");
      await Promise.all(answers);
    }
  });

  test("what is refused is asked for again, and what is not known is not", async () => {
    const { queue, writer, again } = bothSides();
    const [refused, known] = [queue.ask("refused", 3), queue.ask("known", 1)];
    writer.take((id) => (id === "refused" ? undefined : 5), 0);
    writer.finish("durable");
    expect(await Promise.all([refused, known])).toEqual([
      { count: 3, fold: 9 },
      { count: 5, fold: 0 },
    ]);
    const both = Promise.allSettled([queue.ask("refused", 3), queue.ask("lost", 1)]);
    writer.take((id) => (id === "refused" ? undefined : 5), 0);
    writer.finish("unknown");
    expect(await both).toMatchObject([
      { value: { count: 3, fold: 9 } },
      { reason: expect.any(UnknownOutcome) as unknown },
    ]);
    expect(again).toEqual(["refused", "refused"]);
  });

  test("what is in it when the other thread ends is told, and the rest is not known", async () => {
    const { queue, writer } = bothSides();
    const told = queue.ask("told", 1);
    writer.take(() => 4, 0);
    writer.finish("durable");
    const both = Promise.allSettled([told, queue.ask("lost", 1)]);
    queue.lose();
    expect(await both).toMatchObject([
      { value: { count: 4, fold: 0 } },
      { reason: expect.any(UnknownOutcome) as unknown },
    ]);
    writer.take(() => 1, 0);
    writer.finish("durable");
    await Bun.sleep(5); // nothing is thrown where nobody could catch it
    expect(queue.length).toBe(0);
  });
});

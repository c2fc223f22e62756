import { expect, test } from "bun:test";
import { Semaphore } from "../../src/async/concurrency.ts";
import { Random } from "../support/random.ts";

test("Tasks start in the order of their calls, and never weigh more than the capacity together", async () => {
  const random = new Random("gate");
  const semaphore = new Semaphore(10);
  let [inUse, max] = [0, 0];
  const started: number[] = [];
  const tasks = Array.from({ length: 300 }, (_, number) => {
    const weight = random.pick([1, 2, 5, 10, 25]);
    return semaphore.run(weight, async () => {
      started.push(number);
      inUse += weight;
      if (weight <= 10) max = Math.max(max, inUse);
      expect(inUse <= 10 || inUse === weight).toBe(true);
      await Bun.sleep(random.below(2));
      inUse -= weight;
      if (random.chance(0.1)) throw new Error("some tasks fail");
    });
  });
  await Promise.allSettled(tasks);
  expect(started).toEqual(Array.from({ length: 300 }, (_, number) => number));
  expect([inUse, max]).toEqual([0, 10]);
});

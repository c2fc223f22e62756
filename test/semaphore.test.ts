import { expect, test } from "bun:test";
import { Semaphore } from "../src/async.ts";
import { Random } from "./support/random.ts";

test("So much goes on at a time and no more, in the order in which it came", async () => {
  const random = new Random("gate");
  const gate = new Semaphore(10);
  let [under, most] = [0, 0];
  const begun: number[] = [];
  const passing = Array.from({ length: 300 }, (_, number) => {
    const weight = random.pick([1, 2, 5, 10, 25]);
    return gate.run(weight, async () => {
      begun.push(number);
      under += weight;
      if (weight <= 10) most = Math.max(most, under);
      expect(under <= 10 || under === weight).toBe(true);
      await Bun.sleep(random.below(2));
      under -= weight;
      if (random.chance(0.1)) throw new Error("as it may");
    });
  });
  await Promise.allSettled(passing);
  expect(begun).toEqual(Array.from({ length: 300 }, (_, number) => number));
  expect([under, most]).toEqual([0, 10]);
});

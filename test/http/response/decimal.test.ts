import { expect, test } from "bun:test";
import { decimal } from "../../../src/http/response/decimal.ts";
import { Random } from "../../support/random.ts";

test("decimal writes every whole number from 0 to 2^53 - 1 as String does", () => {
  const random = new Random("decimal");
  const ends = [0, 9, 999, 1000, 1001, 9999, 10_000, 999_999, 1_000_000, 2 ** 31, 2 ** 32, 2 ** 53 - 1];
  const some = Array.from({ length: 10_000 }, () => Math.floor(random.next() * 2 ** random.below(54)));
  for (const count of [...ends, ...some]) expect(decimal(count)).toBe(String(count));
});

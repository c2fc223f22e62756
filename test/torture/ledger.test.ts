import { describe, expect, test } from "bun:test";
import { Ledger } from "./ledger.ts";

describe("The ledger", () => {
  const plays = new Map([["a", 2]]);

  test("knows how many plays there must be, and may be", () => {
    const ledger = new Ledger();
    ledger.send(plays);
    ledger.send(plays);
    ledger.acknowledge(plays);
    expect([2, 3, 4].map((total) => ledger.judge("a", total))).toEqual([undefined, undefined, undefined]);
    expect(ledger.judge("a", 1)).toEndWith(": 1 lost");
    expect(ledger.judge("a", 5)).toEndWith(": 1 too many");
    ledger.refuse(plays);
    expect(ledger.judge("a", 3)).toEndWith(": 1 too many");
    expect(ledger.judge("b", 1)).toEndWith(": 1 too many");
  });

  test("wants what a page has shown to be there ever after, answered or not", () => {
    const ledger = new Ledger();
    ledger.send(plays);
    expect(ledger.judge("a", 0)).toBeUndefined();
    ledger.see("a", 2);
    expect(ledger.judge("a", 0)).toEndWith(": 2 lost");
  });

  test("takes what there is as the truth", () => {
    const ledger = new Ledger();
    ledger.send(plays);
    ledger.settle(() => 2);
    expect(ledger.judge("a", 2)).toBeUndefined();
    expect(ledger.judge("a", 0)).toEndWith(": 2 lost");
    expect(ledger.unknown).toBe(2);
  });
});

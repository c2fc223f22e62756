import { describe, expect, test } from "bun:test";
import { Ledger } from "./ledger.ts";

describe("The ledger", () => {
  const plays = new Map([["a", 2]]);

  test("returns the fewest and the most plays that a song may have", () => {
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

  test("requires plays that a page has shown, acknowledged or not", () => {
    const ledger = new Ledger();
    ledger.send(plays);
    expect(ledger.judge("a", 0)).toBeUndefined();
    ledger.see("a", 2);
    expect(ledger.judge("a", 0)).toEndWith(": 2 lost");
  });

  test("accepts the current plays as acknowledged", () => {
    const ledger = new Ledger();
    ledger.send(plays);
    ledger.settle(() => 2);
    expect(ledger.judge("a", 2)).toBeUndefined();
    expect(ledger.judge("a", 0)).toEndWith(": 2 lost");
    expect(ledger.unknown).toBe(2);
  });
});

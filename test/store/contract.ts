import { describe } from "bun:test";
import { testClear, testVersion } from "./contract/changing.ts";
import {
  testCounting,
  testGetAll,
  testIdLength,
  testRange,
  testRoom,
  testRoomTaken,
} from "./contract/counting.ts";
import { testAgainstOracle } from "./contract/oracle.ts";
import { testAfter, testBatch, testFoldLimits, testFolds } from "./contract/folds.ts";
import { testKeys, testWriters } from "./contract/keys.ts";
import { testEntries, testEntriesWhile, testTop } from "./contract/reading.ts";
import type { MakeStore, Traits } from "./contract/support.ts";

const PARTS = [
  [testCounting, testGetAll, testIdLength, testRange, testRoom, testRoomTaken],
  [testEntries, testEntriesWhile, testTop],
  [testFolds, testAfter, testFoldLimits, testBatch],
  [testKeys, testWriters],
  [testClear, testVersion, testAgainstOracle],
].flat();

/** Tests that a store keeps the contract of `CountStore`, synchronous or not. */
export function testCountStore(
  name: string,
  makeStore: MakeStore,
  traits: Traits = { keepsBatchAnswers: true, clearsOnCondition: true },
): void {
  describe(name, () => {
    for (const testPart of PARTS) testPart(makeStore, traits);
  });
}

import { afterAll, expect, test } from "bun:test";
import { UnknownOutcome } from "../../../src/store/refusal.ts";
import { newFolder, open, removeAll } from "./folders.ts";

afterAll(removeAll);

test("When the commit thread dies, writes under way are unknown, later ones are refused, and reads continue", async () => {
  const store = await open(newFolder(), {}, "dying-commit-thread.ts");
  expect(await store.add("1", 1)).toEqual({ count: 1, fold: 0 });
  expect(store.unavailableBecause).toBeUndefined();
  const batch = new Map([["1", 1]]);
  const last = await Promise.allSettled([
    store.add("the last one", 1),
    store.add("1", 1),
    store.addAll(batch),
  ]);
  expect(last[0]).toMatchObject({ status: "rejected", reason: { name: "UnknownOutcome" } });
  for (const each of last) if (each.status === "rejected") expect(each.reason).toBeInstanceOf(UnknownOutcome);
  for (const write of [
    () => store.add("1", 1),
    () => store.add("1", 1, { writer: "w", seq: 1 }),
    () => store.addAll(batch),
    () => store.seal(1),
    () => store.clear(),
  ])
    expect(async () => await write()).toThrow("The storage has failed");
  expect(store.get("1")).toBeWithin(1, 4);
  expect(store.unavailableBecause).toBe("The storage has failed");
});

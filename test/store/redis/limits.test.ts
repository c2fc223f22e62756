import { expect, test } from "bun:test";
import { AdmissionLimit } from "../../../src/store/redis/limits.ts";

test("A request without songs waits like one with a song", async () => {
  const limit = new AdmissionLimit(1);
  const { promise, resolve } = Promise.withResolvers<void>();
  const first = limit.hold(0, () => promise);
  await expect(limit.hold(0, async () => {})).rejects.toThrow("Too many requests wait");
  resolve();
  await first;
  await limit.hold(0, async () => {});
});
